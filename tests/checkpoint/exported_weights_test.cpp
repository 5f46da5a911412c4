#include "runtime/checkpoint/exported_weights.h"

#include <limits>

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

TEST_F(ExportedWeights, CountTheEntriesThatOverflow) {
  const float infinity = std::numeric_limits<float>::infinity();
  const at::Tensor own = tensor_of<float>({1, 65504, -70000, infinity}, {4});
  const at::Tensor half = to_export_type(own, ExportDtype::Float16);
  EXPECT_EQ(half.scalar_type(), at::kHalf);
  EXPECT_EQ(num_overflows(own, half), 1);
  const at::Tensor brain = to_export_type(own, ExportDtype::BFloat16);
  EXPECT_EQ(num_overflows(own, brain), 0);
  const at::Tensor counts = tensor_of<int64_t>({100000}, {1});
  EXPECT_TRUE(to_export_type(counts, ExportDtype::Float16).is_same(counts));
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
