#include "cli/signals.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <initializer_list>

#include "base/unfinished.h"

namespace espalier {

namespace {

std::atomic<bool> stop_asked{false};
std::atomic<bool> deferred{false};
std::atomic<long> first_signal{0};

/// Schedulers and timeout(1) signal a process and its group, so that one stop arrives twice.
constexpr long kOneStopSeconds = 2;

long seconds() {
  struct timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

void on_signal(int number) {
  if (deferred.load()) {
    long none = 0;
    first_signal.compare_exchange_strong(none, seconds());
    stop_asked = true;
    if (seconds() - first_signal.load() < kOneStopSeconds) return;
  }
  remove_unfinished();
  std::signal(number, SIG_DFL);
  ::raise(number);
}

}  // namespace

void install_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int number : {SIGTERM, SIGINT, SIGUSR1}) sigaction(number, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

const std::atomic<bool>& defer_signals() {
  deferred = true;
  return stop_asked;
}

}  // namespace espalier
