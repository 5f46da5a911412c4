// dump_step JOB.toml OUT.safetensors [key=value ...]
//
// Runs one training step of a job on thread ranks and writes what it computed:
// loss, outputs.<name>.<microbatch>, gradients.<fqn>, buffers.<fqn>.
#include <cstdio>

#include "runtime/data/output_writer.h"
#include "tests/oracle/step_dump.h"

int main(int argc, char** argv) {
  try {
    const pp::Job job = pp::load_job(argv[1], {argv + 3, argv + argc});
    pp::write_outputs(argv[2], pp::dump_step(job));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_step: %s\n", error.what());
    return 1;
  }
}
