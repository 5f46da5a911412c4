// check_list LIST
//
// For each line "JOB OUT INPUT...": verifies the job's model cut as the job
// says, as `pp verify` does, then writes what one training step computed to OUT
// (tests/oracle/step_dump.h). An INPUT is "x=2x6:float32". Prints two lines for
// each, "verify" or "step" and what went wrong, if anything.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "loader/core/error.h"
#include "runtime/data/output_writer.h"
#include "runtime/run/verify.h"
#include "tests/oracle/step_dump.h"

namespace pp {
namespace {

/// problem  what went wrong, or ""; printed in one line
void print_result(const std::string& what, std::string problem) {
  std::ranges::replace(problem, '\n', ' ');
  std::printf("%s\t%s\n", what.c_str(), problem.c_str());
  std::fflush(stdout);
}

/// Returns what went wrong, or "".
std::string verify_problem(
    const Job& job, const std::vector<std::string>& inputs) {
  try {
    VerifyOptions options;
    options.path = job.model.path;
    options.split = job.split;
    options.inputs = parse_input_hints(inputs);
    options.microbatches = 2;
    const VerifyReport report = verify(options);
    return report.passed ? "" : report.text();
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string step_problem(const Job& job, const std::string& out) {
  try {
    write_outputs(out, dump_step(job));
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

int run(const char* list) {
  std::ifstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string path;
    std::string out;
    words >> path >> out;
    std::vector<std::string> inputs;
    for (std::string input; words >> input;) {
      inputs.push_back(input);
    }
    const Job job = load_job(path);
    print_result("verify", verify_problem(job, inputs));
    print_result("step", step_problem(job, out));
  }
  return 0;
}

}  // namespace
}  // namespace pp

int main(int argc, char** argv) {
  try {
    return argc == 2 ? pp::run(argv[1]) : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "check_list: %s\n", error.what());
    return 1;
  }
}
