#include <doctest/doctest.h>

#include "cli/progress.h"

using namespace espalier;

TEST_CASE("a stage begun at nothing shows its rate and the time left") {
  CHECK(progress_line("steps", 20, 100, "loss 2.3", 0, 10) == "steps 20/100, loss 2.3, 2.0/s, 40 s left");
  CHECK(progress_line("steps", 5000, 20000, "", 0, 10) == "steps 5000/20000, 500/s, 30 s left");
}

TEST_CASE("a resumed stage counts rate and time left from what the earlier run had done") {
  CHECK(progress_line("steps", 1020, 1100, "", 1000, 10) == "steps 1020/1100, 2.0/s, 40 s left");
  CHECK(progress_line("steps", 1000, 1100, "", 1000, 10) == "steps 1000/1100");
}

TEST_CASE("no rate is shown from too short a time, and no time left where the end is unknown or reached") {
  CHECK(progress_line("samples", 7, 100, "", 0, 0.1) == "samples 7/100");
  CHECK(progress_line("samples", 70, 0, "", 0, 10) == "samples 70, 7.0/s");
  CHECK(progress_line("samples", 100, 100, "", 0, 10) == "samples 100/100, 10/s");
}
