from fastsgd.cli import main

main()
