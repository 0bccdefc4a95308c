"""Under the trainers that people use: accelerate, and the Hugging Face Trainer on a tiny model made on the spot."""

import pytest

import fastadapt as fa

torch = pytest.importorskip("torch")


def epoch(accelerator, model, opt, loader, scheduler):
    """Train once with all data."""
    for x in loader:
        with accelerator.accumulate(model):
            accelerator.backward(model(x).square().mean())
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            scheduler.step()
            opt.zero_grad()


def test_accelerate_prepares_it_and_resumes(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    runs = []
    for module in (fa.torch, torch.optim):
        torch.manual_seed(0)
        accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
        model = torch.nn.Linear(4, 2)
        opt = module.AdamW(model.parameters(), lr=0.01)
        scheduler = torch.optim.lr_scheduler.StepLR(opt, 2)
        loader = torch.utils.data.DataLoader(torch.randn(24, 4), batch_size=4)
        parts = accelerator.prepare(model, opt, loader, scheduler)
        epoch(accelerator, *parts)
        accelerator.save_state(tmp_path / module.__name__)
        epoch(accelerator, *parts)
        after = [p.detach().clone() for p in model.parameters()]
        accelerator.load_state(tmp_path / module.__name__)
        epoch(accelerator, *parts)
        for p, q in zip(model.parameters(), after, strict=True):
            torch.testing.assert_close(p, q)
        runs.append(after)
    for p, q in zip(*runs, strict=True):
        torch.testing.assert_close(p, q)


def test_the_hugging_face_trainer_trains_with_it_and_resumes(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    config = transformers.GPT2Config(
        vocab_size=17, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    data = [{"input_ids": torch.arange(k, k + 8) % 17, "labels": torch.arange(k, k + 8) % 17} for k in range(16)]

    def train(module, folder, resume=None, steps=8):
        transformers.set_seed(0)
        model = transformers.GPT2LMHeadModel(config)
        given = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "save_steps": 4, "seed": 0}
        args = transformers.TrainingArguments(
            str(tmp_path / folder), max_steps=steps, per_device_train_batch_size=4, learning_rate=1e-2, **given
        )
        opt = module.AdamW(model.parameters(), lr=1e-2)
        scheduler = transformers.get_linear_schedule_with_warmup(opt, 2, 8)
        trainer = transformers.Trainer(model, args, train_dataset=data, optimizers=(opt, scheduler))
        trainer.train(resume_from_checkpoint=resume)
        return model

    ours, theirs = train(fa.torch, "ours"), train(torch.optim, "theirs")
    again = train(fa.torch, "again", resume=str(tmp_path / "ours" / "checkpoint-4"))
    for p, q, r in zip(ours.parameters(), theirs.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(p, r)
