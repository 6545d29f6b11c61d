from .cli import main

if __name__ == "__main__":  # Dask's own processes import it once more
    main()
