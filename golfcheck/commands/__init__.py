"""One module per subcommand: its arguments, a call to the core, what is printed."""
