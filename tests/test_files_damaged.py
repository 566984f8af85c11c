"""Model files that are damaged or forged: one clear error, little memory, and no code."""

import copy
import json
import os
import random
import resource
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import eegsk
from eegsk import (
    EEGConformerClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXMiniClassifier,
    EEGTCNetClassifier,
    TCFormerClassifier,
)
from eegsk.persistence import _container

from .networks import small
from .test_files import assert_same, outputs, path  # noqa: F401

TRIALS = np.random.default_rng(0).standard_normal((24, 3, 48)).astype(np.float32)
LABELS = np.array(["left", "right"])[np.arange(24) % 2]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a model file with callbacks, a transform and a history."""
    path = tmp_path_factory.mktemp("models") / "model.eegsk"  # noqa: F811
    callbacks = [eegsk.callbacks.EarlyStopping(), eegsk.callbacks.EMA(0.9)]
    params = {"callbacks": callbacks, "augmentation": [eegsk.augmentation.TimeShift(0.1)]}
    small(EEGNetClassifier, valid_split=0.25, **params).fit(TRIALS, LABELS).save(path)
    return path


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Return a model file with the same names and shapes, but other weights."""
    path = tmp_path_factory.mktemp("models") / "other.eegsk"  # noqa: F811
    small(EEGNetClassifier, random_state=1).fit(TRIALS, LABELS).save(path)
    return path


# Damaged files


def flip_bit(rng, data):
    position = rng.randrange(len(data))
    return data[:position] + bytes([data[position] ^ 1 << rng.randrange(8)]) + data[position + 1 :]


def replace_bytes(rng, data):
    start, n_bytes = rng.randrange(len(data)), rng.choice([1, 2, 8, 100])
    return data[:start] + rng.randbytes(n_bytes) + data[start + n_bytes :]


def set_to_zero(rng, data):
    start, n_bytes = rng.randrange(len(data)), rng.choice([8, 64, 512, 4096])
    return data[:start] + bytes(min(n_bytes, len(data) - start)) + data[start + n_bytes :]


def cut_end(rng, data):
    return data[: rng.randrange(len(data))]


def cut_out(rng, data):
    start, n_bytes = rng.randrange(len(data)), rng.choice([1, 4, 64, 1000])
    return data[:start] + data[start + n_bytes :]


def insert(rng, data):
    position = rng.randrange(len(data) + 1)
    return data[:position] + rng.randbytes(rng.choice([1, 4, 64, 1000])) + data[position:]


def repeat(rng, data):
    start, n_bytes = rng.randrange(len(data)), rng.choice([1, 4, 64, 1000])
    return data[: start + n_bytes] + data[start:]


def exchange(rng, data):
    first, second = sorted(rng.sample(range(0, len(data) - 64, 64), 2))
    parts = data[:first], data[second : second + 64], data[first + 64 : second]
    return b"".join([*parts, data[first : first + 64], data[second + 64 :]])


def change_length(rng, data):
    """Change the length of the header, also to lengths that no memory can hold."""
    length = rng.choice([0, 1, 2**31, 2**63, 2**64 - 1, len(data), rng.randrange(len(data) * 2)])
    return struct.pack("<Q", length) + data[8:]


def change_number(rng, data):
    """Change a digit of the header, e.g. of a shape, an offset or a parameter."""
    n_bytes = int.from_bytes(data[:8], "little")
    digits = [i for i in range(8, 8 + n_bytes) if data[i : i + 1].isdigit()]
    position = rng.choice(digits)
    return data[:position] + rng.choice(b"0123456789").to_bytes() + data[position + 1 :]


def take_random_bytes(rng, data):
    return rng.randbytes(rng.choice([0, 1, 7, 8, 9, 100, len(data)]))


DAMAGES = [
    *(flip_bit, replace_bytes, set_to_zero, cut_end, cut_out, insert, repeat, exchange),
    *(change_length, change_number, take_random_bytes),
]


def check_damage(damage, n_cases, content, path):  # noqa: F811
    """Check that each of many damaged files raises one clear error; return their number."""
    rng, n_errors = random.Random(damage.__name__), 0
    for _ in range(n_cases):
        damaged = damage(rng, content)
        if damaged == content:
            continue
        path.write_bytes(damaged)
        with pytest.raises(
            ValueError, match=r"^eegsk.load: '.*model.eegsk' cannot be read: it"
        ) as e:
            eegsk.load(path)
        assert "\n" not in str(e.value)
        n_errors += 1
    return n_errors


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files(damage, model, path):  # noqa: F811
    assert check_damage(damage, 100, model.read_bytes(), path) > 80


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_many_damaged_files(damage, model, path):  # noqa: F811
    assert check_damage(damage, 2000, model.read_bytes(), path) > 1500


@pytest.mark.slow
def test_each_bit_counts(model, path):  # noqa: F811
    """Flip one bit of each byte of the file."""
    content = model.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="cannot be read"):
            eegsk.load(path)


def header_and_tensors(path):  # noqa: F811
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return data[:end], data[end:]


def test_a_header_with_the_tensors_of_another_file(model, other, path):  # noqa: F811
    (header, tensors), (other_header, other_tensors) = map(header_and_tensors, (model, other))
    for content in (header + other_tensors, other_header + tensors):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="its checksum differs"):
            eegsk.load(path)


def test_a_pickle_is_not_read(path):  # noqa: F811
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="it does not begin with the header of a model file"):
        eegsk.load(path)


def test_weights_without_a_description(path):  # noqa: F811
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="it has no checksum, so that it is no model file"):
        eegsk.load(path)


# Forged files, with a valid checksum


def read_file(path):  # noqa: F811
    return _container.unpack(path.read_bytes())


def write_file(path, description, tensors):  # noqa: F811
    path.write_bytes(_container.pack(description, tensors))


def forge(source, target, change):
    """Write a file whose description is changed."""
    description, tensors = read_file(source)
    change(description)
    write_file(target, description, tensors)


def set_param(**params):
    return lambda description: description["params"].update(params)


def set_signal(**values):
    return lambda description: description["signal"]["dict"].update(values)


def test_a_machine_with_fewer_cores(model, path):  # noqa: F811
    forge(model, path, set_param(n_threads=10**6))
    assert eegsk.load(path).n_threads == os.cpu_count()


def test_a_later_version(model, path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("eegsk.persistence._container.VERSION", 2)
    forge(model, path, lambda description: description["versions"].update(eegsk="0.9.0"))
    monkeypatch.undo()
    message = (
        "it has version 2 of the format, and this version of eegsk reads versions up to 1; update "
        "eegsk to 0.9.0 or later.$"
    )
    with pytest.raises(ValueError, match=message):
        eegsk.load(path)


FORGED = {
    "class": (
        lambda description: description.update(estimator="os.system"),
        "it contains a 'os.system', which this version of eegsk lacks",
    ),
    "function": (
        set_param(activation={"name": "os.system"}),
        "it contains 'os.system', which this version of eegsk does not load",
    ),
    "method": (
        set_param(activation={"name": "eegsk.callbacks.SWA.__init__"}),
        "it contains 'eegsk.callbacks.SWA.__init__', which",
    ),
    "instance of a function": (
        set_param(callbacks=[{"instance": ["builtins.print", {"x": 1}]}]),
        "it contains 'builtins.print', which",
    ),
    "partial of a partial": (
        set_param(activation={"partial": [{"name": "builtins.eval"}, ["1"], {}]}),
        "it contains 'builtins.eval', which",
    ),
    "unknown kind": (
        set_param(activation={"pickle": "gASVDQ=="}),
        "it contains a value of an unknown kind, {'pickle'",
    ),
    "criterion": (
        set_param(criterion={"partial": [{"name": "torch.nn.PReLU"}, [10**11], {}]}),
        "EEGNetClassifier: criterion=<class .*PReLU'> is no criterion of torch or eegsk",
    ),
    "optimizer": (
        set_param(optimizer={"name": "torch.nn.Softmax"}),
        "EEGNetClassifier: optimizer=<class .*Softmax'> is no optimizer of torch or eegsk",
    ),
    "parameter of a later version": (
        set_param(n_heads=3),
        "EEGNetClassifier of this version of eegsk has no parameter 'n_heads'",
    ),
    "value out of range": (set_param(lr=-1.0), "EEGNetClassifier: lr=-1.0 should be a number"),
    "other shape": (
        set_param(kernel=7),
        r"'network.trunk.front.temporal.weight' has shape \(2, 1, 1, 5\) in the file, but shape",
    ),
    "fewer layers": (set_param(separable=False), "'network.trunk.second"),
    "more classes": (
        lambda description: description["target"]["values"]["dict"].update(
            classes={"array": ["U", ["a", "b", "c"]]}
        ),
        r"'network.head.weight' has shape \(2, ",
    ),
    "array of objects": (
        lambda description: description["target"]["values"]["dict"].update(
            classes={"array": ["V8", [1, 2]]}
        ),
        "it contains an array of the unknown type 'V8'",
    ),
    "missing entry": (lambda description: description.pop("state"), "'state'"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_descriptions(name, model, path):  # noqa: F811
    change, message = FORGED[name]
    forge(model, path, change)
    with pytest.raises(ValueError, match=f"cannot be loaded: .*{message}") as error:
        eegsk.load(path)
    assert "\n" not in str(error.value)


def forged_header(path, change):  # noqa: F811
    """Write a file whose header is changed as text, with a valid checksum."""
    header, tensors = header_and_tensors(path)
    text = change(header[8:].decode()).encode()
    data = struct.pack("<Q", len(text)) + text + tensors
    start, end = _container._find_digest(data)
    path.write_bytes(data[:start] + _container._digest(data, start, end) + data[end:])


HEADERS = {
    "a tensor twice": lambda text: text.replace(
        '"module.standardize.mean":', '"module.standardize.scale":'
    ),
    "a parameter twice": lambda text: text.replace(r"\"kernel\":5", r"\"kernel\":5,\"kernel\":5"),
    "a huge shape": lambda text: text.replace('"shape":[3,1]', '"shape":[3,1000000000000]'),
    "a huge offset": lambda text: text.replace(
        '"data_offsets":[0,', '"data_offsets":[99999999999,'
    ),
    "a type": lambda text: text.replace('"F32"', '"F33"'),
    "a deep list": lambda text: text.replace(r"\"kernel\":5", r"\"kernel\":" + "[" * 100_000),
    "a huge number": lambda text: text.replace(r"\"kernel\":5", r"\"kernel\":" + "9" * 10_000),
    "no JSON": lambda text: text.replace(r"\"kernel\":5", r"\"kernel\":"),
    "another format": lambda text: text.replace('"format":"eegsk"', '"format":"other"'),
    "no version": lambda text: text.replace('"version":"1"', '"version":"one"'),
}


@pytest.mark.parametrize("name", HEADERS)
def test_forged_headers(name, model, path):  # noqa: F811
    path.write_bytes(model.read_bytes())
    forged_header(path, HEADERS[name])
    assert path.read_bytes() != model.read_bytes()
    with pytest.raises(
        ValueError, match=r"eegsk.load: '.*model.eegsk'.* cannot be (read|loaded): "
    ):
        eegsk.load(path)


def nodes_of(node, path=()):  # noqa: F811
    """Return the positions of all values in a description, as tuples of keys."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from nodes_of(item, (*path, key))


VALUES = [
    *(None, True, -1, 0, 3, 10**6, 10**12, 1e308, "", "left", "eegsk", [], {}, [[]]),
    *({"name": "torch.nn.ELU"}, {"tensor": "module.standardize.mean"}, {"float": "nan"}),
]


def check_random_forgeries(n_cases, source, path):  # noqa: F811
    """Check that a file with a random value is refused or loaded; return the number refused."""
    rng, errors = random.Random(0), []
    original, tensors = read_file(source)
    positions = list(nodes_of(original))
    for _ in range(n_cases):
        description = copy.deepcopy(original)
        *parents, key = rng.choice(positions)
        node = description
        for parent in parents:
            node = node[parent]
        node[key] = rng.choice(VALUES)
        write_file(path, description, tensors)
        try:
            eegsk.load(path)
        except ValueError as error:
            errors.append(str(error))
    assert all(error.startswith("eegsk.load: ") and "\n" not in error for error in errors)
    return len(errors)


def test_random_forgeries(model, path):  # noqa: F811
    assert check_random_forgeries(60, model, path) > 20


@pytest.mark.slow
def test_many_random_forgeries(model, path):  # noqa: F811
    start = peak_memory()
    assert check_random_forgeries(1000, model, path) > 300
    assert peak_memory() - start < 300


# Memory


def peak_memory():
    """Return the largest memory of this process so far in MB."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


HUGE = {
    "filters": (EEGNetClassifier, set_param(n_filters=10**9)),
    "kernel": (EEGNetClassifier, set_param(kernel=10**11)),
    "layers of EEGConformer": (EEGConformerClassifier, set_param(n_layers=10**9)),
    "layers of TCFormer": (TCFormerClassifier, set_param(n_layers=10**9)),
    "blocks of EEGTCNet": (EEGTCNetClassifier, set_param(n_blocks=10**9)),
    "channels": (EEGNetRegressor, set_signal(n_chans=10**9)),
    "time points": (EEGNetRegressor, set_signal(n_times=10**10)),
    "time points of a mean": (EEGNeXMiniClassifier, set_signal(n_times=10**10)),
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_numbers_need_little_memory(name, path):  # noqa: F811
    estimator_class, change = HUGE[name]
    y = LABELS if "Classifier" in estimator_class.__name__ else TRIALS.std((1, 2))
    estimator = small(estimator_class, max_epochs=1).fit(TRIALS, y)
    estimator.save(path)
    forge(path, path, change)
    start, begin = peak_memory(), time.monotonic()
    if name == "time points of a mean":  # no weight of this network depends on their number
        eegsk.load(path)
    else:
        with pytest.raises(ValueError, match="cannot be loaded"):
            eegsk.load(path)
    assert peak_memory() - start < 100
    assert time.monotonic() - begin < 60


def test_a_large_file_of_another_kind_is_not_read(path):  # noqa: F811
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 50))
        file.truncate(10**11)  # a sparse file, which needs no space
    start = peak_memory()
    with pytest.raises(ValueError, match="it has no checksum"):
        eegsk.load(path)
    assert peak_memory() - start < 100


PROGRAM = """
import resource, sys, eegsk
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
eegsk.load(sys.argv[1])
start = peak()
eegsk.load(sys.argv[2])
print(peak() - start)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the memory is that of Linux")
def test_loading_needs_memory_in_proportion_to_the_file(model, path):  # noqa: F811
    network = {"n_filters": 2000, "spatial_n_filters": 2000}
    small(eegsk.ShallowConvNetClassifier, max_epochs=1, **network).fit(TRIALS, LABELS).save(path)
    command = [sys.executable, "-c", PROGRAM, str(model), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size = path.stat().st_size / 1024**2
    assert size > 100
    assert float(done.stdout) < 4 * size


# Code


def test_no_code_is_run(model):
    """Load a file while all events of Python that run or import code are recorded."""
    estimator = eegsk.load(model)  # imports
    events, is_recording = [], True

    def record(event, arguments):
        if is_recording and event in {
            "exec",
            "compile",
            "import",
            "pickle.find_class",
            "os.system",
        }:
            events.append((event, arguments))

    sys.addaudithook(record)  # cannot be removed
    loaded = eegsk.load(model)
    is_recording = False
    assert [event for event in events if event[0] != "import"] == []
    assert_same(loaded, estimator, TRIALS)


def test_the_description_is_json_and_names_no_module_to_import(model):
    header, _ = header_and_tensors(model)
    metadata = json.loads(header[8:])["__metadata__"]
    assert metadata["format"] == "eegsk"
    description = json.loads(metadata["model"])
    assert description["estimator"] == "EEGNetClassifier"
    assert {"eegsk", "torch", "numpy"} <= description["versions"].keys()
    assert outputs(eegsk.load(model), TRIALS).shape == (24, 2)
