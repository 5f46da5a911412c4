#!/usr/bin/env bash
# Trains a saved GPT-2 as a pipeline: sets up, builds `pp`, exports the model,
# makes text to learn from, splits, trains on two ranks, merges, and lets Python
# continue a prompt. Its files are in demo/ and runs/gpt2_demo/.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
  "$ROOT/scripts/setup.sh"
  "$ROOT/scripts/build.sh" pp
  cd "$ROOT"
  mkdir -p demo

  say "exporting GPT-2 (4 layers, byte vocabulary) from transformers"
  "$PYTHON" scripts/export.py gpt2 -o demo/gpt2.pt2
  say "making a data set of the Python standard library's sources"
  "$PYTHON" scripts/make_data.py text -o demo

  say "pp split demo/gpt2.pt2 -o demo/stages --at transformer.h.2"
  rm -rf demo/stages runs/gpt2_demo
  build/pp split demo/gpt2.pt2 -o demo/stages --at transformer.h.2

  say "pp run configs/gpt2_demo.toml: two ranks, 1F1B"
  build/pp run configs/gpt2_demo.toml
  "$PYTHON" scripts/compare_with_unigram.py runs/gpt2_demo demo

  local newest
  newest="$(ls -d runs/gpt2_demo/checkpoints/step_* | sort -V | tail -n 1)"
  say "pp merge demo/stages --checkpoint $newest -o demo/trained.pt2"
  build/pp merge demo/stages --checkpoint "$newest" -o demo/trained.pt2

  say "Python loads demo/trained.pt2 and continues a prompt"
  "$PYTHON" scripts/generate.py demo/trained.pt2
  say "done: the trained model is demo/trained.pt2"
}

main "$@"
