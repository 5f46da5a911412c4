// Every way in which a checkpoint can be damaged, and the error about it.

#include <gtest/gtest.h>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "tests/checkpoint/checkpoint_folder.h"

namespace pp {
namespace {

class DamagedCheckpoint : public CheckpointFolder {
 protected:
  void expect_refused(
      const std::vector<std::string>& pieces,
      Verify verify = Verify::Full) const {
    expect_error(ErrorKind::Input, pieces, [&] {
      const CheckpointReader reader(path_, verify);
    });
  }

  /// Replaces a piece of state.json, which must contain it.
  void edit_state(const std::string& from, const std::string& to) const {
    std::string text = content(path_ / "state.json");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " is not in " << text;
    put(path_ / "state.json", text.replace(at, from.size(), to));
  }

  void SetUp() override { path_ = write(7); }

  fs::path path_;
};

TEST_F(DamagedCheckpoint, NoState) {
  fs::remove(path_ / "state.json");
  expect_refused({"step_7", "there is no state.json"});
}

TEST_F(DamagedCheckpoint, NoFolder) {
  path_ = folder_ / "step_8";
  expect_refused({"step_8", "not a checkpoint"});
}

TEST_F(DamagedCheckpoint, StateIsNotJson) {
  put(path_ / "state.json", "{\"format\": ");
  expect_refused({"state.json: not valid JSON at byte 12"});
  put(path_ / "state.json", "");
  expect_refused({"state.json: not valid JSON at byte 1"});
  put(path_ / "state.json", "[1, 2]");
  expect_refused({"state.json: must be an object, found [1,2]"});
}

TEST_F(DamagedCheckpoint, StateOfAnotherFormatOrVersion) {
  edit_state("pp-checkpoint", "something");
  expect_refused(
      {"is not a checkpoint's state: 'format' must be 'pp-checkpoint'"});
  edit_state("something", "pp-checkpoint");
  edit_state("\"version\": 1", "\"version\": 2");
  expect_refused({"version 2", "reads version 1"});
}

TEST_F(DamagedCheckpoint, StateLacksAKeyOrHasAWrongType) {
  edit_state("\"step\"", "\"stepp\"");
  expect_refused({"state.json", "'step' is missing"});
  edit_state("\"stepp\": 7", "\"step\": -7");
  expect_refused(
      {"state.json: step: must be an integer of 0 or more, found -7"});
  edit_state("-7", "\"7\"");
  expect_refused(
      {"state.json: step: must be an integer of 0 or more, found \"7\""});
  edit_state("\"7\"", "9223372036854775808");
  expect_refused({"state.json: step: is too large"});
  edit_state("9223372036854775808", "7");
  edit_state("\"2\"", "2");
  expect_refused({"state.json: job.ranks: must be a string, found 2"});
}

TEST_F(DamagedCheckpoint, APartOutsideTheFolder) {
  edit_state("part_0.safetensors", "../part_0.safetensors");
  expect_refused(
      {"state.json: parts[0].file: '../part_0.safetensors' is not a plain file "
       "name"});
  edit_state("../part_0.safetensors", "");
  expect_refused({"''", "plain file name"});
}

TEST_F(DamagedCheckpoint, APartIsMissing) {
  fs::remove(path_ / "part_1.safetensors");
  expect_refused({"part_1.safetensors", "missing"});
}

TEST_F(DamagedCheckpoint, PartsOfOtherHostsAreMissing) {
  CheckpointContent content = read_checkpoint(path_);
  content.parts[0].host = "alpha";
  content.parts[1].host = "beta";
  put(path_ / "state.json", to_json(content));
  EXPECT_NO_THROW(CheckpointReader{path_});
  fs::remove(path_ / "part_1.safetensors");
  expect_refused({"step_7", "part_1.safetensors (saved on host beta); copy"});
  fs::remove(path_ / "part_0.safetensors");
  expect_refused(
      {"parts of the checkpoint are missing: part_0.safetensors (saved on host "
       "alpha), part_1.safetensors (saved on host beta)"});
}

TEST_F(DamagedCheckpoint, APartIsTruncated) {
  const fs::path part = path_ / "part_0.safetensors";
  const auto size = fs::file_size(part);
  fs::resize_file(part, size - 4);
  for (const Verify verify : {Verify::Full, Verify::Quick}) {
    expect_refused(
        {"part_0.safetensors",
         std::to_string(size - 4) + " bytes",
         "written with " + std::to_string(size)},
        verify);
  }
}

TEST_F(DamagedCheckpoint, OneBitOfAPartIsFlipped) {
  const fs::path part = path_ / "part_0.safetensors";
  std::string bytes = content(part);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  put(part, bytes);
  expect_refused({"part_0.safetensors", "damaged", "its hash is"});
  EXPECT_NO_THROW(CheckpointReader(path_, Verify::Quick));
}

TEST_F(DamagedCheckpoint, TwoPartsDisagreeOnATensor) {
  path_ = write(8, {{{"w", at::zeros({2})}}, {{"w", at::ones({2})}}});
  expect_refused({"part_1", "'w' is also in part_0", "different content"});
}

TEST_F(DamagedCheckpoint, TwoPartsMayAgreeOnATensor) {
  path_ = write(8, {{{"w", at::ones({2})}}, {{"w", at::ones({2})}}});
  EXPECT_EQ(CheckpointReader(path_).names(), std::vector<std::string>{"w"});
}

TEST_F(DamagedCheckpoint, ATensorIsNotThere) {
  const CheckpointReader reader(path_);
  EXPECT_FALSE(reader.try_find("embed.weigt").defined());
  expect_error(
      ErrorKind::Input,
      {"step_7", "'embed.weigt'", "did you mean 'embed.weight'"},
      [&] { reader.find("embed.weigt"); });
}

TEST_F(DamagedCheckpoint, ATensorDoesNotFit) {
  const CheckpointReader reader(path_);
  expect_error(
      ErrorKind::Input,
      {"'embed.weight' is float32 [2, 3]", "float32 [3, 2]"},
      [&] {
        reader.copy_to("embed.weight", at::zeros({3, 2}));
      });
  expect_error(
      ErrorKind::Input,
      {"'embed.weight' is float32 [2, 3]", "float64 [2, 3]"},
      [&] {
        reader.copy_to("embed.weight", at::zeros({2, 3}, at::kDouble));
      });
}

TEST_F(DamagedCheckpoint, APartThatWasNeverWrittenIsNotCommitted) {
  begin_checkpoint(folder_, 8);
  const CheckpointPart written = write_checkpoint_part(folder_, 8, 0, part(0));
  expect_error(ErrorKind::Runtime, {"part_1.safetensors", "not written"}, [&] {
    commit_checkpoint(
        folder_, {state(8), {written}}, {written.file, "part_1.safetensors"});
  });
  EXPECT_FALSE(fs::exists(folder_ / "step_8"));
  EXPECT_TRUE(fs::exists(folder_ / "step_7"));
}

TEST_F(DamagedCheckpoint, AFolderThatCannotBeMadeIsNamed) {
  put(folder_ / "file", "");
  expect_error(ErrorKind::Runtime, {"file/checkpoints"}, [&] {
    begin_checkpoint(folder_ / "file" / "checkpoints", 1);
  });
}

}  // namespace
}  // namespace pp
