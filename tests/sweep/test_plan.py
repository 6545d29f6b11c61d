import pytest

from gradsim import RequestError, sweep


def test_the_classic_sweep():
    plan = sweep.read_plan("classic")
    assert len(plan.cells) == 32 and list(plan.axes)[:2] == ["activation", "init"]
    network, run = plan.cells[0]
    assert (network.activation, network.init, network.depth, run["replicas"]) == ("sigmoid", "zeros", 100, 500)
    assert set(network.widths) == {128}


def test_any_option_may_be_a_list():
    plan = sweep.read_plan({"width": [4, [3, 5]], "seed": [1, 2], "depth": 2, "bias_std": 0.5})
    assert [(n.widths, r["seed"]) for n, r in plan.cells] == [
        ((4, 4), 1),
        ((4, 4), 2),
        ((3, 5), 1),
        ((3, 5), 2),
    ]


def test_cells_are_what_simulate_gives_and_progress_ends_at_one():
    import gradsim

    seen = []
    plan = {"activation": ["relu", "tanh"], "width": 3, "depth": 2, "replicas": 6}
    result = sweep.run(plan, progress=lambda share, cells: seen.append((share, cells)))
    alone = gradsim.simulate(gradsim.mlp(width=3, depth=2, activation="tanh"), 6)
    assert result[1]["gradient_log_mean"].tobytes() == alone["gradient_log_mean"].tobytes()
    assert seen[-1] == (1.0, 2) and seen == sorted(seen)


def test_a_shared_stream_gives_common_random_numbers():
    plan = {"weight_gain": [1.0, 2.0], "activation": "linear", "width": 3, "depth": 4, "replicas": 5, "stream": "s"}
    one, two = sweep.run(plan)
    shift = two["gradient_log_mean"][1] - one["gradient_log_mean"][1]
    assert shift == pytest.approx(3 * 2 * 0.6931471805599453, rel=1e-6)


@pytest.mark.parametrize("plan", [{"widht": 3}, {"width": 0}, {"bias-std": 1, "bias_std": 2}, "no/such.toml"])
def test_refusals(plan):
    with pytest.raises(RequestError):
        sweep.read_plan(plan)


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": "2"}, {"threads": 1.5}, {"progress": 3}])
def test_what_a_run_of_a_sweep_refuses(options):
    with pytest.raises(RequestError, match=f"{next(iter(options))}: "):
        sweep.run({"width": 3, "depth": 2}, **options)


def test_samples_may_be_kept_in_a_sweep():
    (found,) = sweep.run({"width": 3, "depth": 2, "replicas": 4, "keep_samples": True})
    assert found["gradient_log"].shape == (4, 3) and found.run["keep_samples"] is True


def test_progress_is_the_share_of_the_work():
    """A cell counts for what it takes, and within it every network alike."""
    from gradsim.sweep.run import work

    plan = sweep.read_plan({"depth": [30, 2], "width": 64, "replicas": [600, 30]})
    total, seen, done = sum(work(*cell) for cell in plan.cells), [], []
    sweep.run(plan, progress=lambda share, cells: seen.append((cells, share)))
    for number, cell in enumerate(plan.cells):
        done.append(work(*cell) / total)
        assert max(share for cells, share in seen if cells == number) == pytest.approx(sum(done))
    assert 0 < seen[0][1] < done[0] and len(seen) > 5  # a cell of 600 networks is told of in parts


def test_the_grid_is_kept_with_the_curves(tmp_path):
    import gradsim

    grid = {"activation": ["relu", "tanh"], "width": [[3, 4]], "replicas": 5}
    result = sweep.run(grid)
    assert result.request == {"activation": ["relu", "tanh"], "width": [[3, 4]], "replicas": [5]}
    result.save(tmp_path / "grid.h5")
    assert gradsim.open(tmp_path / "grid.h5").request == result.request == result[:1].request
