"""Real notebook servers on loopback, for as long as a test session lasts."""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from tests.browser.patience import SECONDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


# Below those that systems give to connections, which would take a free port before its server does.
PORTS = range(20_000, 32_000)


def free_port():
    # Two workers at once may not draw alike, whatever seed a test has set.
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port of {PORTS} is free")


def environment(home):
    """The environment of a server and its kernels: this working tree, `scenes`, and no file of the user's."""
    paths = {
        name: str(home / name.lower())
        for name in (
            "HOME",
            "IPYTHONDIR",
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
        )
    }
    for path in paths.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        **paths,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
        "JUPYTER_PATH": str(home / "share"),
        # The server's part of the extension, as an installation enables it.
        "JUPYTER_CONFIG_PATH": str(ROOT / "js"),
        "OMP_NUM_THREADS": "1",
    }


@contextmanager
def running(command, url, home):
    """Runs a server until the block is left; entered when ``url`` answers."""
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=home, env=environment(home), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text(errors="replace")[-4000:]
                    raise RuntimeError(f"The server {command[:4]} did not answer at {url}. It said:\n{said}")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def end_kernels(address):
    """Ends every kernel of a Jupyter server, as its pages do."""
    cookies = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    opener.open(f"{address}/lab", timeout=SECONDS).close()
    (secret,) = [cookie.value for cookie in cookies if cookie.name == "_xsrf"]
    with opener.open(f"{address}/api/kernels", timeout=SECONDS) as answer:
        kernels = json.load(answer)
    for kernel in kernels:
        url, known = f"{address}/api/kernels/{kernel['id']}", {"X-XSRFToken": secret}
        request = urllib.request.Request(url, headers=known, method="DELETE")
        try:
            opener.open(request, timeout=SECONDS).close()
        except urllib.error.HTTPError as error:
            if error.code != 404:  # it has ended by itself
                raise


@contextmanager
def jupyter(folder, home, token=""):
    """A Jupyter server with JupyterLab and Notebook 7 on a folder of notebooks; gives its address."""
    port = free_port()
    # The extension of this working tree, whatever is installed.
    extensions = home / "share" / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "semiring-widgets").symlink_to(ROOT / "js" / "labextension")
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    with running([sys.executable, "-m", "jupyterlab", *options], f"http://127.0.0.1:{port}/api", home) as url:
        yield url.removesuffix("/api")


@contextmanager
def marimo(notebook, home):
    """A marimo server that runs one notebook as an app; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "marimo", "-q", "run", str(notebook)]
    options = ["--headless", "--no-token", "--no-sandbox", "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, *options], f"http://127.0.0.1:{port}/health", home) as url:
        yield url.removesuffix("/health")
