#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/plan/pipeline_source.h"

namespace pp {
namespace {

TEST(CutsText, SurvivesAsText) {
  Cut cut;
  cut.position = 7;
  cut.names = {"layers.2", "layers.1:end"};
  const auto read = parse_cuts(cuts_text({cut}));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].position, 7);
  EXPECT_EQ(read[0].names, cut.names);
}

// Another version of pp may answer as rank 0.
TEST(CutsText, AnythingElseIsOneClearLine) {
  for (const std::string text : {"x\ta", "\ta", "7x\ta", "99999999999\ta"}) {
    try {
      parse_cuts(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Runtime);
      EXPECT_STREQ(
          error.what(),
          "can't read the cuts that rank 0 sent; does every rank run the same "
          "version of pp?");
    }
  }
}

}  // namespace
}  // namespace pp
