"""What to ask for instead: gains and schemes that theory proposes and simulation confirms."""
