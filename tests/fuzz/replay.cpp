// Stands in for libFuzzer: gives known files to a harness, each once.
//
//     fuzz_NAME FILE|FOLDER...
//
// A file that takes more than 5 s of processor time or more than 1 GB fails.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include <sys/resource.h>

#include "tests/fuzz/harness.h"

/// Changes nothing: mutators are not used here.
extern "C" size_t LLVMFuzzerMutate(uint8_t*, size_t size, size_t) {
  return size;
}

namespace {

namespace fs = std::filesystem;

constexpr double kMaxSeconds = 5;
constexpr long kMaxKilobytes = 1'000'000;

std::vector<fs::path> files_in(const std::vector<fs::path>& roots) {
  std::vector<fs::path> files;
  for (const fs::path& root : roots) {
    if (fs::is_regular_file(root)) {
      files.push_back(root);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(root)) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::vector<uint8_t> content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

long peak_kilobytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// Returns whether the file stays within the limits.
bool replay(const fs::path& path) {
  // If the harness ends the process, this line says on which file.
  std::cout << path.string() << std::endl;
  const std::vector<uint8_t> input = content_of(path);
  const long memory = peak_kilobytes();
  const std::clock_t begin = std::clock();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  const double seconds =
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const long growth = peak_kilobytes() - memory;
  if (seconds > kMaxSeconds || growth > kMaxKilobytes) {
    std::cout << "takes too much: " << seconds << " s, " << growth << " kB\n";
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto files =
      files_in(std::vector<fs::path>(argv + std::min(argc, 1), argv + argc));
  const auto failed = std::ranges::count_if(
      files, [](const fs::path& path) { return !replay(path); });
  std::cout << files.size() << " files, " << failed << " failed\n";
  return files.empty() || failed > 0 ? 1 : 0;
}
