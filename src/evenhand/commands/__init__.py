"""One module per subcommand: a frozen dataclass of options, `run(options)` and `show(result)`."""
