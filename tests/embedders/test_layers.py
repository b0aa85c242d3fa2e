"""What flows into the last layer, and reading any layer by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from resnet_names import HUB_REPO, hf_resnet, seeded, to_torchvision
from torch import Tensor, nn

from embedlab.embedders import torchhub
from embedlab.embedders.efficientnet import EfficientNetLite
from embedlab.embedders.layers import NoSuchLayer, capture, evaluating, penultimate


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 24), nn.ReLU(inplace=True), nn.Linear(24, 5))


def hub_resnet(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    monkeypatch.setattr(torchhub, "REPOSITORY", str(HUB_REPO))
    monkeypatch.setattr(torchhub, "SOURCE", "local")
    return torchhub.load_network("resnet50")


def small_vit() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, image_size=64
    )
    config.num_labels = 7
    return ViTForImageClassification(config)


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules())


NETWORKS = {
    "mlp": (mlp, (4, 3, 8, 8), "3", 24),
    "efficientnet": (lambda: EfficientNetLite(classes=10), (2, 3, 64, 64), "_fc", 1280),
    "vit": (small_vit, (2, 3, 64, 64), "classifier", 32),
    "resnet": (hf_resnet, (2, 3, 64, 64), "classifier.1", 2048),
}


@pytest.mark.parametrize(("build", "shape", "name", "dim"), NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("inference", [False, True])
def test_what_flows_into_the_head_makes_the_prediction(
    build: Any, shape: tuple[int, ...], name: str, dim: int, inference: bool
) -> None:
    network = seeded(build())
    pixels = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode(inference):
        embed = penultimate(network)
        vectors = embed(pixels)
        output = network(pixels)
    scores = output if isinstance(output, Tensor) else output.logits
    assert (embed.name, embed.dim, vectors.shape) == (name, dim, (shape[0], dim))
    head = network.get_submodule(name)
    torch.testing.assert_close(head(vectors.clone()), scores)
    torch.testing.assert_close(embed.scores, scores)
    assert hooks(network) == 0, "no hook is left behind"
    torch.testing.assert_close(embed(pixels), vectors, msg="the second call goes the short way")


def test_three_ways_to_the_same_2048_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the last layer, hook the layer before, call the helper; on the full-size ResNet-50."""
    network = seeded(hub_resnet(monkeypatch))
    pixels = torch.randn((2, 3, 224, 224), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        helper = penultimate(network)(pixels)
        with capture(network, "avgpool") as seen:
            network(pixels)
        headless = nn.Sequential(*list(network.children())[:-1])
        removed = headless(pixels).flatten(1)
    assert helper.shape == (2, 2048)
    assert torch.equal(helper, seen["avgpool"].flatten(1))
    assert torch.equal(helper, removed)
    assert helper.std() > 0.01, "a signal arrives"


def test_the_same_weights_by_two_roads_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' ResNet-50 and Torch Hub's, at full size, with one set of seeded weights."""
    hugging_face = seeded(hf_resnet())
    torch_hub = hub_resnet(monkeypatch).eval()
    torch_hub.load_state_dict(to_torchvision(hugging_face.state_dict()))  # strict: every name fits
    pixels = torch.randn((2, 3, 224, 224), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        one, other = penultimate(hugging_face)(pixels), penultimate(torch_hub)(pixels)
        pooled = hugging_face.resnet(pixels).pooler_output.flatten(1)
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert torch.equal(one, pooled), "what transformers calls pooler_output"


class Tidy(nn.Module):
    """Names its head before the layers that feed it, and has a helper head on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.early = nn.Linear(6, 4), nn.Linear(6, 3)
        self.body = nn.Linear(5, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x).relu()
        self.early(x)
        return self.head(x)


def test_the_order_of_running_counts_not_that_of_naming() -> None:
    network = Tidy().eval()
    embed = penultimate(network)
    x = torch.randn(2, 5)
    torch.testing.assert_close(network.head(embed(x)), network(x))
    assert (embed.name, embed.dim) == ("head", 6)


def test_a_softmax_at_the_end_does_not_hide_the_head() -> None:
    network = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(dim=1)).eval()
    assert penultimate(network)(torch.randn(4, 5)).shape == (4, 8)


class Backbone(nn.Module):
    """Ends in a pooling, though it has a Linear somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(5, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.tokens(x).mean(dim=1)


def test_a_network_without_a_head_is_refused_in_clear_words() -> None:
    with pytest.raises(NoSuchLayer, match=r"Conv2d has no nn\.Linear that could make a prediction"):
        penultimate(nn.Conv2d(3, 8, 3))
    network = Backbone()
    with pytest.raises(NoSuchLayer, match=r"No nn\.Linear of Backbone makes its output, of shape \(2, 6\)"):
        penultimate(network)(torch.randn(2, 3, 5))
    assert hooks(network) == 0


def test_a_model_that_gives_hidden_states_is_refused_in_clear_words() -> None:
    vit = small_vit().vit.eval()
    with pytest.raises(NoSuchLayer, match="ViTModel returns hidden states and no prediction"):
        penultimate(vit)(torch.randn(1, 3, 64, 64))


def test_capture_reads_several_layers_in_one_pass() -> None:
    network = seeded(EfficientNetLite(classes=10))
    with torch.inference_mode(), capture(network, ["_blocks.0", "_avg_pooling"]) as seen:
        network(torch.randn(2, 3, 64, 64))
    assert {name: tuple(value.shape) for name, value in seen.items()} == {
        "_blocks.0": (2, 16, 32, 32),
        "_avg_pooling": (2, 1280, 1, 1),
    }
    assert hooks(network) == 0


def test_capture_is_not_changed_by_a_layer_that_works_in_place() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    with capture(network, "0") as seen:
        network(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert (seen["0"] < 0).any(), "what came out of the layer, not what ReLU made of it"


def test_capture_leaves_no_hook_when_the_network_fails() -> None:
    network = mlp()
    with pytest.raises(RuntimeError), capture(network, "3"):
        network(torch.randn(1, 3, 9, 9))
    with pytest.raises(RuntimeError):
        penultimate(network)(torch.randn(1, 3, 9, 9))
    assert hooks(network) == 0


def test_capture_says_what_is_wrong_with_a_name() -> None:
    network = seeded(EfficientNetLite(classes=10))
    with pytest.raises(NoSuchLayer, match=r"no layer '_avgpooling'. The nearest names are '_avg_pooling'"):
        capture(network, "_avgpooling")
    with capture(network, "_fc") as seen:
        pass
    with pytest.raises(NoSuchLayer, match="has not run"):
        seen["_fc"]
    with pytest.raises(NoSuchLayer, match="was not captured; these were: _fc"):
        seen["_bn0"]


def test_evaluating_puts_every_part_back_into_its_mode() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 3), nn.BatchNorm1d(3))
    network.train()
    network[2].eval()  # a frozen part in a network that is being trained
    with evaluating(network):
        assert not any(part.training for part in network.modules())
        assert torch.is_inference_mode_enabled()
    assert [part.training for part in network] == [True, True, False]
    assert network.training
