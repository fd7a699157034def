"""A patched model is the same model where nothing is dropped, and itself again once unpatched."""

import pytest
import torch
from torch import nn

from hotpapers.papers.topk_attention import (
    ByteTransformer,
    KeyValueCache,
    TopKMultiheadAttention,
    patch,
    topk_attention,
    unpatch,
)

IDS = torch.randint(1, 90, (2, 20), generator=torch.Generator().manual_seed(0))
PADDING = torch.ones_like(IDS)
PADDING[1, 15:] = 0


def bert():
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    return BertModel(config), lambda model: model(IDS, attention_mask=PADDING).last_hidden_state[PADDING.bool()]


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(vocab_size=99, n_positions=64, n_embd=32, n_layer=2, n_head=4))
    return model, lambda model: model(IDS, attention_mask=PADDING).logits[PADDING.bool()]


def t5(gated=False):
    from transformers import T5Config, T5Model

    config = T5Config(vocab_size=99, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
    return T5Model(
        config
    ), lambda model: model(input_ids=IDS, attention_mask=PADDING, decoder_input_ids=IDS[:, :9]).last_hidden_state


def encoder():
    layer = nn.TransformerEncoderLayer(32, 4, 48, batch_first=True)
    x = torch.randn(2, 20, 32, generator=torch.Generator().manual_seed(0))
    return nn.TransformerEncoder(layer, 2), lambda model: model(x, src_key_padding_mask=~PADDING.bool())[PADDING.bool()]


def decoder():
    layer = nn.TransformerDecoderLayer(32, 4, 48)
    x, memory = torch.randn(2, 20, 2, 32, generator=torch.Generator().manual_seed(0))
    mask = nn.Transformer.generate_square_subsequent_mask(20)
    return nn.TransformerDecoder(layer, 2), lambda model: model(x, memory, tgt_mask=mask, tgt_is_causal=True)


def own():
    return ByteTransformer(width=32, hidden=48, context=64), lambda model: model(IDS)


@pytest.mark.parametrize("make", [bert, gpt2, t5, encoder, decoder, own])
def test_patched_with_all_it_is_the_same_and_with_few_another_and_unpatched_itself(make):
    if make in (bert, gpt2, t5):
        pytest.importorskip("transformers")
    torch.manual_seed(0)
    model, run = make()
    model.eval()
    names = list(model.state_dict())
    with torch.no_grad():
        plain = run(model)
        made = patch(model, attn_k=200, ff_k=200, chunk=7)
        torch.testing.assert_close(run(model), plain, rtol=1e-4, atol=1e-5)
        assert patch(model, attn_k=2) == {name: 2 for name in made if name in patch(model, attn_k=2)}
        few_keys = run(model)
        patch(model, attn_k=200, ff_k=3)
        few_units = run(model)
        assert min((few - plain).abs().max() for few in (few_keys, few_units)) > 1e-5
        assert list(model.state_dict()) == names
        unpatch(model)
        assert torch.equal(run(model), plain)
    assert len(made) == {bert: 4, gpt2: 4, t5: 10, encoder: 4, decoder: 6, own: 4}[make]


@pytest.mark.parametrize("make", [bert, gpt2, t5, encoder, own])
def test_a_patched_model_has_the_same_gradients(make):
    if make in (bert, gpt2, t5):
        pytest.importorskip("transformers")
    torch.manual_seed(0)
    model, run = make()
    model.eval()

    def gradients():
        model.zero_grad()
        run(model).square().sum().backward()
        return {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}

    plain = gradients()
    patch(model, attn_k=200, ff_k=200)
    for name, found in gradients().items():
        torch.testing.assert_close(found, plain[name], rtol=1e-3, atol=1e-4)


def test_layers_may_keep_different_numbers_and_wrong_wishes_are_refused():
    model, _ = own()
    assert list(patch(model, attn_k=[3, 5]).values()) == [3, 5]
    for wish, said in (({"attn_k": [3]}, "2 attention layers"), ({"ff_k": 0}, "at least 1")):
        with pytest.raises(ValueError, match=said):
            patch(model, **wish)
    with pytest.raises(ValueError, match="no attention layer"):
        patch(nn.Linear(3, 3), attn_k=4)


def test_unpatched_a_model_that_was_trained_with_few_keys_keeps_few_again():
    torch.manual_seed(0)
    model = ByteTransformer(width=32, hidden=48, context=64, attn_k=2, ff_k=5).eval()
    with torch.no_grad():
        few = model(IDS)
        patch(model, attn_k=3)
        patch(model, attn_k=64, ff_k=48)
        assert not torch.allclose(model(IDS), few, atol=1e-3)
        unpatch(model)
        assert torch.equal(model(IDS), few)


def test_more_bytes_than_the_context_are_refused():
    model, _ = own()
    with pytest.raises(ValueError, match="64 bytes at once, not 65"):
        model.continue_text(IDS[:1], 46)


def test_gpt2_generates_the_same_over_its_cache():
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    model, _ = gpt2()
    model.eval()
    patch(model, attn_k=5, ff_k=20)
    with torch.no_grad():
        grown = IDS[:1]
        for _ in range(6):
            grown = torch.cat([grown, model(grown, use_cache=False).logits[:, -1:].argmax(-1)], 1)
        again = model.generate(IDS[:1], max_new_tokens=6, do_sample=False, pad_token_id=0, eos_token_id=None)
    assert torch.equal(grown, again)


def test_decoding_over_a_cache_is_attending_at_once():
    torch.manual_seed(0)
    layer = TopKMultiheadAttention(16, 2, topk=4, batch_first=True).eval()
    x = torch.randn(1, 150, 16)
    cache = KeyValueCache()
    with torch.no_grad():
        whole = layer(x, x, x, is_causal=True)[0]
        parts = [layer(part, part, part, is_causal=True, cache=cache)[0] for part in x.split([70, 1, 1, 78], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_a_text_is_continued_by_the_likeliest_bytes():
    torch.manual_seed(0)
    model = ByteTransformer(width=16, heads=2, hidden=32, context=64, attn_k=3, ff_k=8).eval()
    ids = IDS[:1, :5]
    slow = ids
    for _ in range(5):
        slow = torch.cat([slow, model(slow)[:, -1:].argmax(-1)], 1)
    assert torch.equal(model.continue_text(ids, 5), slow)


def test_the_module_is_pytorchs_with_its_own_weights():
    torch.manual_seed(0)
    for settings in ({"batch_first": True}, {"kdim": 12, "vdim": 10}, {"bias": False}):
        theirs = nn.MultiheadAttention(16, 4, **settings)
        ours = TopKMultiheadAttention(16, 4, topk=50, **settings)
        ours.load_state_dict(theirs.state_dict())
        query = torch.randn(9, 9, 16)
        key = torch.randn(9, 9, settings.get("kdim", 16))
        value = torch.randn(9, 9, settings.get("vdim", 16))
        hidden = torch.rand(9, 9) > 0.7
        hidden[:, 0] = False
        mask = torch.randn(36, 9, 9)
        expected, _ = theirs(query, key, value, key_padding_mask=hidden, attn_mask=mask, need_weights=False)
        torch.testing.assert_close(ours(query, key, value, key_padding_mask=hidden, attn_mask=mask)[0], expected)
    with pytest.raises(ValueError, match="bias_k"):
        TopKMultiheadAttention(16, 4, add_bias_kv=True)


def test_the_drop_in_has_the_same_arguments_in_the_same_order():
    out = topk_attention(*torch.randn(3, 2, 4, 8), None, 0.0, True, None, False, topk=2)
    assert out.shape == (2, 4, 8)
