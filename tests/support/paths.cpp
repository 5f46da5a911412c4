#include "tests/support/paths.h"

namespace pp::test {

std::filesystem::path project_folder() {
  return PP_SOURCE_DIR;
}
std::filesystem::path fixture_folder() {
  return PP_FIXTURE_DIR;
}
std::filesystem::path python() {
  return PP_PYTHON;
}

}  // namespace pp::test
