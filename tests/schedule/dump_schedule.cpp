// Prints schedules for the oracle test. Reads requests from standard input, one
// per line, and answers each with the schedule's CSV, or with "error: " and the
// reason, and then an empty line:
//   NAME RANKS STAGES MICROBATCHES [lowered|sharded]   generates a schedule
//   read PATH MICROBATCHES                             loads a schedule

#include <iostream>
#include <sstream>
#include <string>

#include "loader/core/error.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"

namespace pp {
namespace {

Schedule load(std::istringstream& words, Shape& shape) {
  std::string path;
  words >> path >> shape.num_microbatches;
  return load_csv(path);
}

Schedule make(
    const std::string& name, std::istringstream& words, Shape& shape) {
  std::string form;
  words >> shape.num_ranks >> shape.num_stages >> shape.num_microbatches >>
      form;
  Schedule schedule = find_schedule(name).generate(shape);
  if (form == "sharded") {
    return add_send_recv(add_reduce_grad(add_unshard(std::move(schedule))));
  }
  return form == "lowered" ? lower(std::move(schedule)) : schedule;
}

void answer(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  words >> name;
  Shape shape;
  const Schedule schedule =
      name == "read" ? load(words, shape) : make(name, words, shape);
  validate(schedule, shape.num_microbatches, true);
  std::cout << to_csv(schedule) << '\n';
}

}  // namespace
}  // namespace pp

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      pp::answer(line);
    } catch (const pp::Error& error) {
      std::cout << "error: " << error.what() << "\n\n";
    }
  }
  return 0;
}
