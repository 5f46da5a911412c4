#include "runtime/checkpoint/exported_weights.h"

#include "tests/checkpoint/checkpoint_folder.h"

namespace pp {
namespace {

class ExportedWeights : public CheckpointFolder {};

TEST_F(ExportedWeights, RemovesOnlyPartsThatArentThisRuns) {
  for (const char* name :
       {"part_0.safetensors",
        "part_1.safetensors",
        "part_2.safetensors",
        "part_10.safetensors",
        "part_02.safetensors",
        "part_2.safetensors.bak",
        "notes.txt"}) {
    put(folder_ / name, "x");
  }
  fs::create_directory(folder_ / "part_3.safetensors");
  remove_other_parts(folder_, {0, 2});
  EXPECT_EQ(
      entries(),
      (std::vector<std::string>{
          "notes.txt",
          "part_0.safetensors",
          "part_02.safetensors",
          "part_2.safetensors",
          "part_2.safetensors.bak",
          "part_3.safetensors"}));
}

TEST_F(ExportedWeights, DontReplaceTheWeightsThatTheJobReads) {
  Job job;
  job.output.dir = folder_;
  job.output.export_dtype = ExportDtype::Float32;
  check_exported_weights(job);
  job.model.weights = folder_ / "weights.safetensors";
  check_exported_weights(job);
  job.model.weights = folder_ / "other/../weights/part_*.safetensors";
  expect_error(
      ErrorKind::Usage,
      {"output.export_dtype", "model.weights is there", "another output.dir"},
      [&] { check_exported_weights(job); });
  job.output.export_dtype.reset();
  check_exported_weights(job);
}

}  // namespace
}  // namespace pp
