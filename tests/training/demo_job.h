#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "runtime/plan/plan.h"
#include "tests/support/paths.h"

namespace pp::test {

/// A training of the demo's GPT on two ranks.
///
/// train   lines of [train]: steps or epochs, accumulate
/// output  the output folder
inline std::shared_ptr<const Plan> demo_plan(
    const std::string& train, const std::filesystem::path& output) {
  const std::string fixtures = fixture_folder().string();
  const std::string data =
      "{ path = \"" + fixtures + "/demo/train.npy\", window = 16";
  return make_plan(
      parse_job(
          "[model]\npath = \"" + fixtures +
              "/tiny-gpt.pt2\"\n[split]\nat = [\"layers.4\"]\n[pipeline]\n"
              "ranks = 2\nmicrobatches = 2\nschedule = \"1F1B\"\n[data]\n"
              "batch_size = 4\ninputs.tokens = " +
              data + " }\ntarget = " + data + ", shift = 1 }\n[train]\n" +
              train +
              "\nloss = { name = \"cross_entropy\" }\noptimizer = { name = "
              "\"sgd\", lr = 1e-3 }\n[output]\ncheckpoint_every = 1\ndir = \"" +
              output.string() + "\"\n",
          "job.toml",
          "."),
      std::nullopt);
}

}  // namespace pp::test
