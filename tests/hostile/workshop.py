"""Where hostile inputs are run: a worker process that is started again when one of them took it down."""

import contextlib
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = float(os.environ.get("GRADSIM_HOSTILE_SECONDS", 15))  # none may take longer
START = 300  # seconds, where the kernels have to be compiled first


@dataclass(frozen=True)
class Outcome:
    """What an input did. `died`: how the process ended, if it did; `raised` (its classes) and `message`: of Python calls."""

    code: object = None
    out: str = ""
    err: str = ""
    raised: list | None = None
    message: str | None = None
    died: str | None = None
    memory: int = 0
    path: bool = False
    cwd: str | None = None
    threads: int = 0
    open: list = field(default_factory=list)
    modules: list = field(default_factory=list)


class Workshop:
    """`run(folder, arguments=[...])` or `run(folder, source="...")` gives an Outcome."""

    def __init__(self):
        self.spool = Path(tempfile.mkdtemp(prefix="gradsim-hostile-"))
        os.chmod(self.spool, 0o755)
        self.temporary = self.spool / "tmp"  # where Python puts temporary files
        self.temporary.mkdir(mode=0o777)
        os.chmod(self.temporary, 0o777)
        self.process = None

    @property
    def environment(self):
        """That of every process: the gradsim under test, nothing of the user's settings."""
        found = str(Path(importlib.util.find_spec("gradsim").origin).parents[1])
        return os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", found), "TMPDIR": str(self.temporary), "COLUMNS": "80"}

    def _start(self):
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(self.spool)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with open(self.spool / "start.txt", "w") as log:
            self.process = subprocess.Popen(command, **pipes, stderr=log, env=self.environment, text=True)
        if not self._ask({"folder": str(self.spool), "source": "", "seconds": START}, START):
            self._end()
            raise RuntimeError(f"the worker does not start:\n{(self.spool / 'start.txt').read_text()[-2000:]}")

    def _ask(self, request, seconds):
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(request), file=self.process.stdin, flush=True)
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            self.process.kill()
        return self.process.stdout.readline()

    def run(self, folder, seconds=SECONDS, alone=False, **request):
        """Runs one input in `folder`, which is the current one for it; `alone`: its process ends with it."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        line = self._ask({"folder": str(folder), "seconds": seconds} | request, 2 * seconds)
        texts = {name: (self.spool / name).read_text(errors="backslashreplace") for name in ("out", "err")}
        if line:
            reply = json.loads(line)
            if alone:
                self.process.kill()
                self._end()
                reply["threads"] = 0
            return Outcome(**reply, **texts)
        code = self._end()
        log = (self.spool / "hung.txt").read_text()
        words = f"it hung for {seconds:g} s" if "Timeout" in log else f"the interpreter ended with {code}"
        return Outcome(**texts, died=f"{words}\n{log[:3000]}")

    def leftovers(self):
        """Names of temporary files that are left; they are removed."""
        found = sorted(p.name for p in self.temporary.iterdir())
        for name in found:
            path = self.temporary / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return found

    def _end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        code = self.process.wait(20)
        self.process = None
        return code

    def close(self):
        """Ends the process."""
        if self.process is not None:
            self._end()
        shutil.rmtree(self.spool)
