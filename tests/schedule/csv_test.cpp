#include "runtime/schedule/csv.h"

#include <filesystem>
#include <fstream>

#include "tests/schedule/support.h"

namespace pp {
namespace {

TEST(Csv, ReadsBothFormsAndFindsThePlacement) {
  const Schedule compute = schedule_of("0F0,,0B0\n1F0,1B0\n");
  EXPECT_EQ(compute.stage_to_rank, (StageMap{0, 1}));
  EXPECT_FALSE(is_lowered(compute));
  EXPECT_EQ(to_csv(compute), "0F0,0B0\n1F0,1B0\n");

  const std::string_view lowered =
      "0UNSHARD,0F0,0SEND_F0,0RECV_B0,0B0,0WAIT_SEND_F0,0REDUCE_GRAD,"
      "0WAIT_REDUCE_GRAD,0RESHARD\n"
      "1UNSHARD,1RECV_F0,1F0,1B0,1SEND_B0,1REDUCE_GRAD,1WAIT_REDUCE_GRAD,"
      "1RESHARD,1WAIT_SEND_B0\n";
  EXPECT_TRUE(is_lowered(schedule_of(lowered)));
  EXPECT_EQ(to_csv(schedule_of(lowered)), lowered);
}

TEST(Csv, ReadsAnOverlappedPairAsTwoActions) {
  const Schedule schedule =
      schedule_of("0F0, (0F1;1B0)OVERLAP_F_B ,1F0,1F1,1B1,0B0,0B1\n");
  ASSERT_EQ(schedule.ranks[0].size(), 8U);
  EXPECT_TRUE(schedule.ranks[0][1].overlaps_next);
  EXPECT_FALSE(schedule.ranks[0][2].overlaps_next);
  EXPECT_EQ(to_string(schedule.ranks[0][2]), "1B0");
}

TEST(Csv, AcceptsBlanksCarriageReturnsAndAByteOrderMark) {
  EXPECT_EQ(
      to_csv(schedule_of("\xef\xbb\xbf 0F0 ,\t0B0\r\n1F0,1B0\r\n")),
      "0F0,0B0\n1F0,1B0\n");
}

TEST(Csv, IsTheSameWithAndWithoutALastLineEnd) {
  EXPECT_EQ(to_csv(schedule_of("0F0\n1F0")), to_csv(schedule_of("0F0\n1F0\n")));
}

TEST(Csv, IsReadFromAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / "pp_csv_test_schedule.csv";
  std::ofstream(path) << "0F0,0B0\n";
  EXPECT_EQ(to_csv(load_csv(path)), "0F0,0B0\n");
  std::filesystem::remove(path);
  EXPECT_EQ(
      message_of(ErrorKind::Input, [&] { load_csv(path); }),
      "can't read the schedule " + path.string() +
          ": No such file or directory");
}

// Every error path of the reader, by its text.

struct Refused {
  std::string_view text;
  std::string_view message;
};

class CsvRefuses : public testing::TestWithParam<Refused> {};

TEST_P(CsvRefuses, WithRowAndColumn) {
  EXPECT_EQ(
      message_of(ErrorKind::Input, [] { schedule_of(GetParam().text); }),
      GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Errors,
    CsvRefuses,
    testing::Values(
        Refused{
            "0F0\n1F0,2F0xyz\n",
            "test.csv, row 2, column 2: '2F0xyz' has an unknown action "
            "kind "
            "'F0xyz'; the kinds are F, B, I, W, SEND_F, RECV_F, SEND_B, "
            "RECV_B, WAIT_SEND_F, WAIT_SEND_B, UNSHARD, RESHARD, REDUCE_GRAD, "
            "WAIT_REDUCE_GRAD"},
        Refused{
            "0F0,F1\n",
            "test.csv, row 1, column 2: 'F1' is not an action; write a stage, "
            "a kind and a microbatch, as in 2F0 or 3SEND_F1"},
        Refused{
            "0F0,17\n",
            "test.csv, row 1, column 2: '17' is not an action; write a stage, "
            "a kind and a microbatch, as in 2F0 or 3SEND_F1"},
        Refused{"0F\n", "test.csv, row 1, column 1: '0F' lacks a microbatch"},
        Refused{
            "0F0,0UNSHARD3\n",
            "test.csv, row 1, column 2: '0UNSHARD3' is for a whole stage and "
            "must not name a microbatch"},
        Refused{
            "0F1234567890\n",
            "test.csv, row 1, column 1: '0F1234567890' has a number with "
            "more than 9 digits"},
        Refused{
            "67108864F0\n",
            "test.csv, row 1, column 1: '67108864F0' names a stage above the "
            "largest possible, 67108863"},
        Refused{
            "0F0,0F999999999\n",
            "test.csv, row 1, column 2: microbatch 999999999 is too large: it "
            "and all microbatches below it need a forward, but the file has "
            "only 2"},
        Refused{
            "0F0,0B0\n1F0,0F1\n",
            "test.csv, row 2, column 2: '0F1' is on rank 1, but stage 0 is on "
            "rank 0 (row 1)"},
        Refused{"0F0\n2F0\n", "test.csv has stage 2, but no row runs stage 1"},
        Refused{"", "test.csv has no actions"},
        Refused{"\n\n", "test.csv has no actions"},
        Refused{
            "0F0,,0SEND_F0\n1RECV_F0,1F0\n",
            "test.csv, row 1, column 2: the cell is empty; empty cells "
            "(bubbles) are allowed only if all actions are F, B, I or W, and "
            "this file also has others"},
        Refused{
            "(0F0;0B0)OVERLAP\n",
            "test.csv, row 1, column 1: '(0F0;0B0)OVERLAP' is not a valid "
            "pair; write it like (0F1;7B0)OVERLAP_F_B"},
        Refused{
            "(0F0)OVERLAP_F_B\n",
            "test.csv, row 1, column 1: '(0F0)OVERLAP_F_B' is not a valid "
            "pair; write it like (0F1;7B0)OVERLAP_F_B"},
        Refused{
            "(0F0;0SEND_F0)OVERLAP_F_B\n",
            "test.csv, row 1, column 1: '(0F0;0SEND_F0)OVERLAP_F_B' pairs "
            "actions that can't overlap; only F, B, I and W can"},
        Refused{
            "(0F0;0F1;0F2)OVERLAP_F_B\n",
            "test.csv, row 1, column 1: '(0F0;0F1;0F2)OVERLAP_F_B' has an "
            "unknown action kind 'F1;0F'; the kinds are F, B, I, W, SEND_F, "
            "RECV_F, SEND_B, RECV_B, WAIT_SEND_F, WAIT_SEND_B, UNSHARD, "
            "RESHARD, REDUCE_GRAD, WAIT_REDUCE_GRAD"}));

}  // namespace
}  // namespace pp
