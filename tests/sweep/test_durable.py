"""Sweeps that are kept on the disk: gone on with, extended, run for a precision, always to the bits of one undisturbed run."""

import os
from pathlib import Path

import numpy as np
import pytest

import gradsim
from gradsim import RequestError
from gradsim.simulation import chunks
from gradsim.sweep import read_plan, runner, shelf, single
from gradsim.sweep.cells import curves_from
from gradsim.sweep.drawn import Drawn, draw
from gradsim.sweep.durable import Sweep, open_unfinished
from gradsim.sweep.parts import decoded, identity_of
from gradsim.sweep.precision import Precision
from gradsim.sweep.tasks import Tasks
from gradsim.sweep.work import Work
from tests.oracles.alike import same

GRID = {"activation": ["relu", "tanh"], "weight_gain": [0.9, 1.0, 1.3], "width": 5, "depth": 4, "replicas": 7}


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def done(grid, out="a.h5", threads=2, **options):
    """Runs a sweep to its end; how many cells were there at the beginning, None where it was finished."""
    sweep = Sweep(grid if not isinstance(grid, dict) else read_plan(grid), out, **options)
    if sweep.is_finished():
        return None
    found = sweep.begin()
    try:
        assert not sweep.run(threads).failed
        sweep.pack()
    finally:
        sweep.leave()
    return found


def cut_short(grid, cells, out="a.h5", **options):
    """The same, but ended before so many cells are finished; those that are sealed stay."""
    sweep = Sweep(read_plan(grid), out, **options)
    assert not sweep.is_finished()
    sweep.begin()
    finish, left = sweep._parts.add, [cells]

    def ended(*arguments):
        if not left[0]:
            raise Killed
        left[0] -= 1
        finish(*arguments)

    sweep._parts.add = ended
    with pytest.raises(Killed):
        sweep.run(1)
    sweep.leave()


@pytest.fixture
def drawn_networks(monkeypatch):
    """How many networks were drawn, so far."""
    fill, count = chunks.Workplace.fill, [0]

    def counted(self, program, key, first, number):
        count[0] += number
        return fill(self, program, key, first, number)

    monkeypatch.setattr(chunks.Workplace, "fill", counted)
    return count


def test_a_sweep_on_disk_is_that_in_memory_and_leaves_nothing_but_its_file():
    assert done(GRID, keep=False) == 0
    assert os.listdir(".") == ["a.h5"] and same(gradsim.open("a.h5"), gradsim.sweep.run(GRID))
    assert gradsim.open("a.h5").request == read_plan(GRID).request


def test_seal_intervals_and_threads_change_no_byte_of_the_data(monkeypatch):
    for out, seconds, size, threads in (("a.h5", 2.0, 2**26, 1), ("b.h5", 0.0, 1, 3), ("c.h5", 1e9, 10_000, 2)):
        monkeypatch.setattr(shelf, "SECONDS", seconds)
        monkeypatch.setattr(shelf, "BYTES", size)
        done(GRID, out, threads)
    assert same(gradsim.open("a.h5"), gradsim.open("b.h5")) and same(gradsim.open("a.h5"), gradsim.open("c.h5"))


def test_what_is_finished_is_not_computed_again(drawn_networks):
    cut_short(GRID, 4, keep=False)
    assert os.listdir(".") == ["a.h5.work"] and len(gradsim.open("a.h5.work")) == 4
    drawn_networks[0] = 0
    assert done(GRID, keep=False) == 4
    assert drawn_networks[0] == 2 * 7 and same(gradsim.open("a.h5"), gradsim.sweep.run(GRID))


def test_the_finished_part_can_be_opened_and_drawn():
    cut_short(GRID, 4, keep=False)
    found = open_unfinished("a.h5.work")
    assert same(found, gradsim.sweep.run(GRID)[:4])
    found.plot("a.png")
    assert os.path.getsize("a.png") > 1000
    with pytest.raises(RequestError, match=r"no cell of a sweep is finished"):
        open_unfinished(".")


def test_a_finished_sweep_is_left_as_it_is(drawn_networks):
    done(GRID)
    before, stamp, drawn_networks[0] = Path("a.h5").read_bytes(), os.stat("a.h5").st_mtime_ns, 0
    assert done(GRID) is None and drawn_networks[0] == 0
    assert Path("a.h5").read_bytes() == before and os.stat("a.h5").st_mtime_ns == stamp
    assert sorted(os.listdir(".")) == ["a.h5", "a.h5.draws"]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"weight_gain": [0.9, 1.0, 1.4]}, r"weight_gain: \[0.9, 1.0, 1.3\] there, \[0.9, 1.0, 1.4\] now"),
        ({"seed": 3}, "seed: not given there, 3 now"),
        ({"weight_gain": np.linspace(1, 2, 30)}, "weight_gain: .* there, 30 values from 1.0 to 2.0 now"),
        ({"replicas": 6}, "replicas: 7 there, 6 now"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_request_is_refused_with_the_difference(change, words, finished):
    if finished:
        done(GRID, keep=False)
    else:
        cut_short(GRID, 4, keep=False)
    before = sorted(os.listdir("."))
    with pytest.raises(RequestError, match=f"^out: .*overwrite=True.* another sweep: {words}$"):
        done(GRID | change, keep=False)
    assert sorted(os.listdir(".")) == before
    assert done(GRID | change, keep=False, overwrite=True) == 0 and os.listdir(".") == ["a.h5"]
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | change))


def test_overwriting_goes_on_too_where_it_was_ended(drawn_networks):
    done(GRID | {"seed": 5}, keep=False)
    cut_short(GRID, 3, keep=False, overwrite=True)
    drawn_networks[0] = 0
    assert done(GRID, keep=False, overwrite=True) == 3 and drawn_networks[0] == 3 * 7


def test_what_decides_bits_is_part_of_what_is_gone_on_with(monkeypatch):
    """A later version that cuts chunks otherwise does not mix its numbers with those of before."""
    cut_short(GRID, 4, keep=False)
    monkeypatch.setattr("gradsim.simulation.footprint.LARGEST_CHUNK", 3)
    with pytest.raises(RequestError, match=r"are not what they were$"):
        done(GRID, keep=False)


def test_more_replicas_go_on_from_those_that_are_drawn(drawn_networks):
    done(GRID)
    drawn_networks[0] = 0
    assert done(GRID | {"replicas": 11}) == 0 and drawn_networks[0] == 6 * 4
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | {"replicas": 11}))
    assert sorted(os.listdir(".")) == ["a.h5", "a.h5.draws"]


def test_more_replicas_for_a_sweep_that_was_ended(drawn_networks):
    cut_short(GRID, 4)
    drawn_networks[0] = 0
    assert done(GRID | {"replicas": 11}) == 0 and drawn_networks[0] <= 5 * 4 + 11
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | {"replicas": 11}))


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
def test_draws_that_are_lost_are_drawn_again(damage, drawn_networks):
    done(GRID)
    (part,) = os.listdir("a.h5.draws")
    content = bytearray(Path(f"a.h5.draws/{part}").read_bytes())
    third = 5 * len(content) // 12  # in the middle of the third of six
    content[third] ^= 1
    kept = {"gone": None, "cut": content[:third], "flipped": content}[damage]
    os.unlink(f"a.h5.draws/{part}")
    if kept is not None:
        Path(f"a.h5.draws/{part}").write_bytes(kept)
    drawn_networks[0] = 0
    done(GRID | {"replicas": 11})
    assert drawn_networks[0] == {"gone": 6 * 11, "cut": 4 * 11 + 2 * 4, "flipped": 11 + 5 * 4}[damage]
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | {"replicas": 11}))


NETWORK = gradsim.mlp(width=6, depth=3, activation="tanh")


@pytest.fixture
def chunks_of_ten(monkeypatch):
    monkeypatch.setattr("gradsim.simulation.footprint.LARGEST_CHUNK", 10)


def task(replicas, precision=None, **run):
    return Tasks(read_plan({"width": 6, "depth": 3, "activation": "tanh", "replicas": replicas, **run}), precision)[0]


@pytest.mark.parametrize("samples", [2**27, 2500, 500], ids=["samples", "either", "histograms"])
@pytest.mark.parametrize("keep", [False, True], ids=["", "kept samples"])
@pytest.mark.parametrize("first, last", [(3, 7), (3, 10), (10, 20), (13, 17), (13, 45), (19, 33), (20, 41), (30, 33)])
def test_what_is_drawn_is_gone_on_with_to_the_same_bits(first, last, keep, samples, chunks_of_ten, monkeypatch):
    monkeypatch.setattr("gradsim.statistics.quantiles.SAMPLE_BYTES", samples)
    drawn = draw(task(first, keep_samples=keep), None, 1, lambda n: None)
    said, arrays = drawn.arrays()
    longer = task(last, keep_samples=keep)
    counted = []
    found = draw(longer, Drawn.from_arrays(longer, said, arrays), 2, counted.append).curves(longer, 1)
    expected = gradsim.simulate(NETWORK, last, keep_samples=keep)
    assert sum(counted) == last - first
    assert samples == 2500 or expected.quantile_method == ("exact" if samples > 2500 else "histogram")
    assert same([found], [expected])


def test_large_cells_are_put_aside_on_the_way(chunks_of_ten, monkeypatch, drawn_networks):
    """What was drawn of a cell that was not finished is not drawn again."""
    monkeypatch.setattr(single, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(single, "PAUSE_SHARE", 1e9)
    monkeypatch.setattr(single, "SMALL_WORK", 0.0)
    grid = {"width": 5, "depth": 4, "replicas": 75}
    sweep = Sweep(read_plan(grid), "a.h5", keep=False)
    sweep.begin()
    put, left = single.Pause.__call__, [3]

    def ended(self, drawn):
        put(self, drawn)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(single.Pause, "__call__", ended)
    with pytest.raises(Killed):
        sweep.run(1)
    assert "kept in a.h5.work" in sweep.kept
    sweep.leave()
    monkeypatch.setattr(single.Pause, "__call__", put)
    drawn_networks[0] = 0
    assert done(grid, keep=False) == 0 and drawn_networks[0] == 45
    assert os.listdir(".") == ["a.h5"] and same(gradsim.open("a.h5"), gradsim.sweep.run(grid))


@pytest.mark.parametrize("size", ["small", "large"])
def test_cells_side_by_side_and_one_by_one_are_the_same(size, chunks_of_ten, monkeypatch):
    monkeypatch.setattr(single, "SMALL_WORK", 0.0 if size == "large" else 1e12)
    done(GRID | {"replicas": 35}, keep=False)
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | {"replicas": 35}))


def errors(curves, name="gradient"):
    count = curves.run["replicas"] - curves[f"{name}_zero_count"] - curves[f"{name}_nonfinite_count"]
    return np.sqrt(curves[f"{name}_log_variance"] / count)[1:]


@pytest.mark.parametrize("error", [1.0, 0.3, 0.1])  # of the largest the first chunk has enough
def test_a_precision_is_reached_and_not_by_a_chunk_too_much(error, chunks_of_ten):
    done(GRID, precision=Precision(error), keep=False)
    for curves in gradsim.open("a.h5"):
        count = curves.run["replicas"]
        assert np.nanmax(errors(curves)) <= error and count % 10 == 0 and count >= 7
        same_number = gradsim.simulate(curves.network, count)
        assert same([same_number], [curves.__class__(**{**curves.__dict__, "run": same_number.run})])
        if count > 10:
            assert np.nanmax(errors(gradsim.simulate(curves.network, count - 10))) > error


def test_the_number_of_networks_of_a_precision_hangs_on_the_request_alone(chunks_of_ten, monkeypatch):
    """Not on threads, on seal intervals, on where it was ended; nor is it more where more were drawn before."""
    for out, threads in (("a.h5", 1), ("b.h5", 2)):
        done(GRID, out, threads, precision=Precision(0.2))
    cut_short(GRID, 2, "c.h5", precision=Precision(0.2))
    done(GRID, "c.h5", precision=Precision(0.2))
    found = [gradsim.open(name) for name in ("a.h5", "b.h5", "c.h5")]
    assert same(found[0], found[1]) and same(found[0], found[2])
    assert len({curves.run["replicas"] for curves in found[0]}) > 1
    assert done(GRID, precision=Precision(0.2)) is None
    with pytest.raises(RequestError, match=r"precision: .*0\.2,.* there, .*0\.25,.* now"):
        done(GRID, precision=Precision(0.25))


def test_a_precision_has_a_least_and_a_most(chunks_of_ten):
    done({**GRID, "replicas": 33}, precision=Precision(100.0), keep=False)
    assert {curves.run["replicas"] for curves in gradsim.open("a.h5")} == {40}
    done(GRID, "b.h5", precision=Precision(1e-6, most=25), keep=False)
    assert {curves.run["replicas"] for curves in gradsim.open("b.h5")} == {25}


def test_other_quantities_of_a_precision(chunks_of_ten):
    alone, both = (Tasks(read_plan(GRID), Precision(0.2, others))[0] for others in ((), ("activation_mean", "loss")))
    few, many = (draw(found, None, 1, lambda n: None).curves(found, 1) for found in (alone, both))
    assert many.run["replicas"] > few.run["replicas"]
    assert np.sqrt(many["loss_log_variance"] / many.run["replicas"]) <= 0.2
    with pytest.raises(RequestError, match=r"^others: unknown name 'gradent'; did you mean gradient"):
        Tasks(read_plan(GRID), Precision(0.2, ("gradent",)))


@pytest.mark.parametrize("error", [0, -1.0, float("nan"), "x", None])
def test_what_is_no_precision(error):
    with pytest.raises(RequestError, match=r"^precision: "):
        Precision(error)


def test_replicas_of_a_command_take_the_place_of_the_grids():
    done(read_plan(GRID).with_replicas(9), keep=False)
    assert same(gradsim.open("a.h5"), gradsim.sweep.run(GRID | {"replicas": 9})) and done(GRID | {"replicas": 9}) is None


def test_damaged_parts_are_named_and_computed_again(drawn_networks):
    cut_short(GRID, 5, keep=False)
    (part,) = os.listdir("a.h5.work/parts")
    content = bytearray(Path(f"a.h5.work/parts/{part}").read_bytes())
    content[len(content) // 2] ^= 8
    Path(f"a.h5.work/parts/{part}").write_bytes(content)
    told, drawn_networks[0] = [], 0
    assert done(GRID, keep=False, tell=told.append) == 4
    assert told == [f"damaged: a.h5.work/parts/{part}: record 3: the SHA-256 differs; what is lost is computed again"]
    assert drawn_networks[0] == 2 * 7 and same(gradsim.open("a.h5"), gradsim.sweep.run(GRID))


def test_work_of_a_later_version_is_refused():
    cut_short(GRID, 2, keep=False)
    text = Path("a.h5.work/plan.json").read_text()
    Path("a.h5.work/plan.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(RequestError, match=r"'a.h5.work' has format 2; this gradsim reads 1"):
        done(GRID)


def test_a_cell_that_cannot_be_computed_is_named_and_the_others_go_on(monkeypatch):
    compute = single.simulate_here

    def failing(network, *rest, **options):
        if network.weight_gain == 1.0:
            raise RequestError("no good")
        return compute(network, *rest, **options)

    monkeypatch.setattr(single, "simulate_here", failing)
    sweep = Sweep(read_plan(GRID), "a.h5", keep=False)
    sweep.begin()
    work = sweep.run(2)
    assert sorted(number for number, _ in work.failed) == [1, 4] and work.finished == 4
    assert sweep.plan.words(4) == "cell 4 (activation tanh, weight_gain 1.0)"
    sweep.leave()
    monkeypatch.setattr(single, "simulate_here", compute)
    assert done(GRID, keep=False) == 4


def test_a_subset_of_cells_can_be_computed_alone():
    found, tasks = {}, Tasks(read_plan(GRID))
    work = Work(sum(tasks[number].work for number in (5, 0, 3)))
    runner.compute(tasks, (5, 0, 3), 2, lambda record: found.__setitem__(identity_of(record), record), work)
    records = [found[tasks[number].identity] for number in (0, 3, 5)]
    assert same([curves_from(*decoded(r)[1:]) for r in records], [gradsim.sweep.run(GRID)[k] for k in (0, 3, 5)])
    assert work.share == pytest.approx(1.0) and work.finished == 3


def test_from_python():
    seen = []
    found = gradsim.sweep.run(GRID, 2, lambda share, cells: seen.append((share, cells)), out="a.h5")
    assert same(found, gradsim.sweep.run(GRID)) and seen[-1] == (1.0, 6) and seen == sorted(seen)
    before = Path("a.h5").read_bytes()
    assert same(gradsim.sweep.run(GRID, out="a.h5"), found) and Path("a.h5").read_bytes() == before
    found = gradsim.sweep.run(GRID, out="a.h5", precision=0.5, overwrite=True)
    assert found[0].run["precision"]["error"] == 0.5
    for wrong in ({"precision": 0.1}, {"overwrite": True}, {"out": "."}, {"out": "a.h5", "precision": "x"}):
        with pytest.raises(RequestError):
            gradsim.sweep.run(GRID, **wrong)
