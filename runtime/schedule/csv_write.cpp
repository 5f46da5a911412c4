#include "runtime/schedule/csv.h"

namespace pp {

std::string to_csv(const Schedule& schedule) {
  std::string text;
  for (const auto& program : schedule.ranks) {
    for (size_t i = 0; i < program.size(); ++i) {
      if (i > 0) {
        text += ',';
      }
      if (program[i].overlaps_next && i + 1 < program.size()) {
        text += '(' + to_string(program[i]) + ';' + to_string(program[i + 1]) +
                ")OVERLAP_F_B";
        ++i;
      } else {
        text += to_string(program[i]);
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace pp
