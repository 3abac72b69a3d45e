/// What turns a harness into a program. Built by clang with MODE=fuzz it is libFuzzer's; otherwise it mutates the seeds
/// with a fixed random generator:
///
///   NAME --seeds FOLDER        writes the seeds as files
///   NAME --input FILE          feeds one file
///   NAME RUNS [SEED [FIRST]]   feeds mutants FIRST to RUNS; one that fails is kept as fuzz-NAME-SEED-NUMBER

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <random>

#include "fuzz.h"

namespace espalier {

namespace fs = std::filesystem;

InputFile::InputFile(const std::string& suffix) {
  const fs::path folder = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  path_ = (folder / ("espalier-fuzz-" + std::to_string(::getpid()) + suffix)).string();
}

InputFile::~InputFile() { ::unlink(path_.c_str()); }

const std::string& InputFile::hold(const std::uint8_t* bytes, std::size_t size) {
  std::ofstream(path_, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes), std::streamsize(size));
  return path_;
}

void drain(SourcePointer source) {
  for (SampleBatch batch; source->read(16, batch), batch.rows > 0;) {
  }
}

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_seeds(const std::string& folder) {
  fs::create_directories(folder);
  std::size_t number = 0;
  for (const std::string& seed : fuzz_seeds())
    std::ofstream(folder + "/seed-" + std::to_string(number++), std::ios::binary) << seed;
}

}  // namespace

}  // namespace espalier

using namespace espalier;

#ifdef ESPALIER_LIBFUZZER

extern "C" void __sanitizer_set_death_callback(void (*)());

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  // A child that dies on trial (h5/trial.h) is no finding.
  ::pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
  if (*argc != 3 || std::string_view((*argv)[1]) != "--seeds") return 0;
  write_seeds((*argv)[2]);
  std::_Exit(0);
}

#else

namespace {

using Random = std::mt19937_64;

/// Numbers that lie about sizes.
std::string lie(Random& random) {
  static constexpr std::uint64_t kLies[] = {0,
                                            1,
                                            0x7f,
                                            0x80,
                                            0xff,
                                            0x7fff,
                                            0x8000,
                                            0xffff,
                                            0x7fffffff,
                                            0x80000000,
                                            0xffffffff,
                                            0x10000000,
                                            0x100000000ul,
                                            ~std::uint64_t(0),
                                            std::uint64_t(1) << 63};
  const std::uint64_t value = kLies[random() % std::size(kLies)];
  if (random() % 4 == 0) return std::to_string(value);
  std::string bytes(std::size_t(1) << random() % 4, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(value >> (8 * i));
  if (random() % 2) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

/// One change: a byte, a bit, a lie about a size, a stretch that goes, comes twice, comes from another seed, or the end
/// cut off.
void change(std::string& bytes, const std::vector<std::string>& seeds, Random& random) {
  const std::size_t at = random() % (bytes.size() + 1), left = bytes.size() - at;
  const std::size_t some = std::min<std::size_t>(left, std::size_t(1) << random() % 8);
  const std::string& other = seeds[random() % seeds.size()];
  switch (random() % 9) {
    case 0:
    case 1:
      if (left) bytes[at] = char(random());
      break;
    case 2:
      if (left) bytes[at] = char(bytes[at] ^ (1 << random() % 8));
      break;
    case 3:
    case 4: {
      const std::string number = lie(random);
      bytes.replace(at, random() % 4 ? std::min(left, number.size()) : 0, number);
      break;
    }
    case 5:
      bytes.erase(at, some);
      break;
    case 6:
      bytes.insert(at, bytes.substr(at, some));
      break;
    case 7:
      bytes.replace(at, some, other.substr(std::min(other.size(), random() % (other.size() + 1)), some));
      break;
    default:
      if (random() % 4 == 0) bytes.resize(at);
  }
}

std::string mutant(const std::vector<std::string>& seeds, std::uint64_t seed, std::uint64_t number) {
  Random random(seed * 0x9e3779b97f4a7c15 + number);
  std::string bytes = seeds[random() % seeds.size()];
  for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) change(bytes, seeds, random);
  return bytes;
}

void feed(const std::string& bytes) {
  // A copy of its own size on the heap, so that a sanitizer sees what is read beyond the end.
  const std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

/// Feeds mutants from `at` on, which says how far it came; for a child of the process.
[[noreturn]] void feed_all(const std::vector<std::string>& seeds, std::uint64_t seed, std::uint64_t runs,
                           std::atomic<std::uint64_t>& at) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadows need more
  const rlimit memory{rlim_t(512) << 20, rlim_t(512) << 20};
  ::setrlimit(RLIMIT_DATA, &memory);
#endif
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (; at < runs; ++at) {
    const itimerval patience{{0, 0}, {20, 0}};
    ::setitimer(ITIMER_VIRTUAL, &patience, nullptr);
    feed(mutant(seeds, seed, at));
  }
  std::exit(0);
}

/// False where a mutant crashed, threw what is no refusal, took more than 512 MiB or more than 20 seconds.
bool survive(const std::string& name, std::uint64_t runs, std::uint64_t seed, std::uint64_t first) {
  void* shared = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& at = *new (shared) std::atomic<std::uint64_t>(first);
  const std::vector<std::string> seeds = fuzz_seeds();
  std::uint64_t failures = 0;
  while (at < runs && failures < 10) {
    const pid_t child = ::fork();
    if (child == 0) feed_all(seeds, seed, runs, at);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && at >= runs) break;
    const std::string kept = "fuzz-" + name + "-" + std::to_string(seed) + "-" + std::to_string(at);
    std::ofstream(kept, std::ios::binary) << mutant(seeds, seed, at);
    std::cerr << name << ": mutant " << at << " of seed " << seed << " failed ("
              << (WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "exit") << "), kept as " << kept << "\n";
    ++failures;
    ++at;
  }
  std::cout << name << ": " << at - first << " damaged inputs, " << failures << " failures\n";
  return failures == 0;
}

std::uint64_t number_of(const char* word) {
  std::uint64_t value = 0;
  const char* end = word + std::strlen(word);
  if (const auto [stop, error] = std::from_chars(word, end, value); error != std::errc() || stop != end) {
    std::cerr << "'" << word << "' is no number\n";
    std::exit(64);
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc == 3 && option == "--seeds") {
    write_seeds(argv[2]);
    return 0;
  }
  if (argc == 3 && option == "--input") {
    feed(bytes_of(argv[2]));
    return 0;
  }
  if (argc < 2 || argc > 4) {
    std::cerr << "usage: " << argv[0] << " RUNS [SEED [FIRST]] | --seeds FOLDER | --input FILE\n";
    return 64;
  }
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  const std::uint64_t seed = argc > 2 ? number_of(argv[2]) : 1, first = argc > 3 ? number_of(argv[3]) : 0;
  return survive(name, number_of(argv[1]), seed, first) ? 0 : 1;
}

#endif
