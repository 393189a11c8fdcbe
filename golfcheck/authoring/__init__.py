"""Write submissions: new record folders, packed scripts, corrections of submission.json."""
