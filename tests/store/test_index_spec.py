"""How a collection is indexed: settings that belong to the index, defaults, and what a backend lacks."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refuses

from embedlab.store import Backend, Feature, IndexSpec, MissingFeature, StoreErrorCode

LITE = Backend("Milvus Lite 3.2.2", True, (3, 2))
OLD = Backend("Milvus 2.3.5", False, (2, 3))
NEW = Backend("Milvus 2.5.4", False, (2, 5))


def test_arguments_become_a_spec_and_its_params_are_spelled_as_milvus_does() -> None:
    spec = IndexSpec.from_arguments("HNSW", "IP", {"M": 8, "efConstruction": 64}, "content")
    assert spec == IndexSpec("HNSW", "IP", M=8, ef_construction=64, full_text="content")
    assert spec.params == {"M": 8, "efConstruction": 64}
    assert IndexSpec.from_arguments(spec) is spec
    assert type(IndexSpec("IVF_FLAT", nlist=np.int64(4)).params["nlist"]) is int


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"index": "PQ"}, "index"),
        ({"metric": "cosine"}, "metric"),
        ({"index": "FLAT", "M": 8}, "M"),
        ({"index": "HNSW", "nlist": 8}, "nlist"),
        ({"index": "HNSW", "M": 0}, "M"),
        ({"index": "HNSW", "M": 2.5}, "M"),
        ({"index": "HNSW", "ef_construction": True}, "efConstruction"),
        ({"nlist": -1}, "nlist"),
    ],
)
def test_what_milvus_would_ignore_is_refused(arguments: dict[str, object], argument: str) -> None:
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument=argument):
        IndexSpec(**arguments)


def test_a_new_collection_gets_what_was_left_open() -> None:
    assert IndexSpec().complete(1000, LITE) == IndexSpec("AUTOINDEX", "COSINE")
    assert IndexSpec("HNSW").complete(1000, LITE).params == {}
    assert IndexSpec("HNSW").complete(1000, NEW).params == {"M": 16, "efConstruction": 200}
    assert IndexSpec("HNSW", M=8).complete(1000, NEW).params == {"M": 8}
    assert IndexSpec("IVF_FLAT").complete(1000, LITE).params == {"nlist": 25}
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="M"):
        IndexSpec(M=8).complete(1000, LITE)


def test_what_a_backend_lacks_is_named() -> None:
    for spec, feature in (
        (IndexSpec("HNSW_SQ"), Feature.HNSW_SQ),
        (IndexSpec(full_text="content"), Feature.FULL_TEXT),
    ):
        with pytest.raises(MissingFeature, match=r"Milvus 2\.3\.5 lacks .* from version 2\.5") as caught:
            spec.complete(1000, OLD)
        assert caught.value.feature is feature
        spec.complete(1000, NEW)
        spec.complete(1000, LITE)
