#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/job/schema.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

std::string support_of(const JobKey& key) {
  if (key.supported_only.empty()) {
    return "";
  }
  return key.supported_only == "-" ? " *Not yet supported.*"
                                   : " *Only the default yet.*";
}

bool has(const std::vector<std::string>& rows, const std::string& row) {
  return std::ranges::find(rows, row) != rows.end();
}

std::string row_of(const JobKey& key) {
  return "| `" + std::string(key.path) + "` | " + type_text(key) + " | " +
         default_text(key) + " | " + std::string(key.unit) + " | " +
         std::string(key.meaning) + support_of(key) + " |";
}

std::vector<std::string> rows_of_page() {
  std::ifstream page(test::project_folder() / "docs/job-file.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) {
      rows.push_back(line);
    }
  }
  return rows;
}

TEST(JobPage, HasARowForEveryKeyAndNoOther) {
  std::vector<std::string> wanted;
  for (const JobKey& key : job_keys()) {
    wanted.push_back(row_of(key));
  }
  const std::vector<std::string> found = rows_of_page();
  for (const std::string& row : wanted) {
    EXPECT_TRUE(has(found, row)) << "docs/job-file.md lacks this row:\n" << row;
  }
  for (const std::string& row : found) {
    EXPECT_TRUE(has(wanted, row))
        << "no key has this row of docs/job-file.md:\n"
        << row;
  }
  EXPECT_EQ(found.size(), wanted.size());
}

TEST(JobKeys, AreCompleteAndUnique) {
  std::vector<std::string_view> paths;
  for (const JobKey& key : job_keys()) {
    paths.push_back(key.path);
    EXPECT_NE(key.default_value.empty(), key.default_note.empty()) << key.path;
    EXPECT_FALSE(key.meaning.empty()) << key.path;
  }
  std::ranges::sort(paths);
  EXPECT_EQ(std::ranges::adjacent_find(paths), paths.end());
}

}  // namespace
}  // namespace pp
