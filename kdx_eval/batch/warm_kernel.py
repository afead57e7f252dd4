"""A kernel manager that takes over a kernel already forked, or starts an ordinary one of this very Python."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner


def manager_class(standby: tuple[int, int] | None, folder: Path) -> type[AsyncKernelManager]:
    """The manager class for one notebook; ``folder`` holds its connection file and, on Linux, its sockets."""

    class Manager(AsyncKernelManager):
        """Manages one kernel and never looks at the user's registered kernels."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
            # Not the user's registered kernels: the notebook runs in the Python that runs the batch.
            self._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
            self.connection_file = str(folder / "kernel.json")
            if standby is not None:
                self.transport = "ipc"
                self.ip = str(folder / "kernel")
                self.provisioner = StandbyProvisioner(kernel_spec=self._kernel_spec, kernel_id="standby", parent=self)
                self.provisioner.standby = standby
                self.provisioner.connection_file = self.connection_file

    return Manager


class StandbyProvisioner(LocalProvisioner):
    """Hands the connection file to the waiting process instead of starting a new one."""

    standby: tuple[int, int]
    connection_file: str
    process: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Wake the waiting process; ``cmd`` is not run."""
        del cmd
        pid, pipe = self.standby
        launch = {"connection_file": self.connection_file, "cwd": str(kwargs.get("cwd") or Path.cwd())}
        os.write(pipe, json.dumps(launch).encode())
        os.close(pipe)
        self.process = _Child(pid)
        self.pid = self.pgid = pid
        return self.connection_info


class _Child:
    """What the provisioner asks of a Popen, for a process that was forked."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Exit code, once it has ended."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)
