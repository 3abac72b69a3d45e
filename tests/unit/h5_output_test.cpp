#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "h5/samples.h"
#include "h5_making.h"

using namespace espalier;

namespace {

/// An empty folder that goes away with the object.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = "/tmp/espalier-output-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::size_t entries() const {
    return std::size_t(std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
  }
};

/// What a child process did: its exit code, or -signal, and what it wrote to standard error.
struct Child {
  int code = -1;
  std::string said;
};

/// Runs `action` in a child, which then exits as a program does.
template <class Action>
Child in_child(const Action& action) {
  int ends[2];
  REQUIRE_EQ(::pipe(ends), 0);
  std::cout.flush();  // else the child would write it too
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    int code = 0;
    try {
      action();
    } catch (const Error& error) {
      code = error.code();
    } catch (const ReaderGone&) {
      code = 99;
    }
    std::exit(code);
  }
  ::close(ends[1]);
  Child child;
  char block[4096];
  for (ssize_t got; (got = ::read(ends[0], block, sizeof block)) > 0;) child.said.append(block, std::size_t(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  child.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return child;
}

void write_much(Output& out, const std::string& path) {
  out.file().write(path, {1000, 1000}, std::vector<float>(1000000, 1));
}

/// No file may grow beyond this many bytes: what a full disk looks like from inside.
void limit_files(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

TEST_CASE("a full disk ends in one error, quietly, with the old file intact and nothing left behind") {
  Folder folder;
  const std::string target = folder.file("out.h5");
  making::write_bytes(target, "precious");
  for (rlim_t limit : {0, 500, 2048, 100000, 3999999, 4001000}) {
    CAPTURE(limit);
    const Child child = in_child([&] {
      limit_files(limit);
      Output out(target);
      write_much(out, "/data");
      out.file().write_strings("/ids", std::vector<std::string>(1000, "word"));
      out.commit();
    });
    CHECK_EQ(child.code, int(kNoOutput));
    CHECK_EQ(child.said, "");
    CHECK_EQ(making::bytes_of(target), "precious");
    CHECK_EQ(folder.entries(), 1);
  }
}

TEST_CASE("a disk that fills while another file is passed on is an output error, not a fault of the input") {
  Folder folder;
  {
    Output out(folder.file("in.h5"));
    write_much(out, "/data");
    out.commit();
  }
  const Child child = in_child([&] {
    const H5File input = H5File::open(folder.file("in.h5"));
    limit_files(100000);
    Output out(folder.file("out.h5"));
    out.pass_through(input);
    out.commit();
  });
  CHECK_EQ(child.code, int(kNoOutput));
  CHECK_EQ(child.said, "");
  CHECK_EQ(folder.entries(), 1);
}

TEST_CASE("outputs that cannot be are refused with 74") {
  Folder folder;
  CHECK_THROWS_AS(Output(folder.path.string()), SystemError);
  CHECK_THROWS_AS(Output(folder.file("missing/out.h5")), SystemError);
  CHECK_THROWS_AS(Output("/proc/out.h5"), SystemError);
  Output full("/dev/full");
  full.file().make_group("/a");
  CHECK_THROWS_AS(full.commit(), SystemError);
  if (::geteuid() == 0) return;
  ::chmod(folder.path.c_str(), 0555);
  CHECK_THROWS_AS(Output(folder.file("out.h5")), SystemError);
  ::chmod(folder.path.c_str(), 0755);
}

TEST_CASE("a pipe without a reader ends the writer without a word") {
  const Child child = in_child([&] {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (::pipe(ends) != 0) return;
    ::close(ends[0]);
    ::dup2(ends[1], STDOUT_FILENO);
    Output out("-");
    write_much(out, "/data");
    out.commit();
  });
  CHECK_EQ(child.code, 99);
  CHECK_EQ(child.said, "");
}

TEST_CASE("an output may be its own input, and a symbolic link stays one") {
  Folder folder;
  {
    Output out(folder.file("real.h5"));
    out.file().write("/data", {2}, std::vector<float>{1, 2});
    out.commit();
  }
  std::filesystem::create_symlink("real.h5", folder.file("link.h5"));
  {
    const H5File input = H5File::open(folder.file("link.h5"));
    Output out(folder.file("link.h5"));
    out.pass_through(input);
    out.file().write("/more", {1}, std::vector<float>{3});
    out.commit();
  }
  CHECK(std::filesystem::is_symlink(folder.file("link.h5")));
  CHECK_EQ(H5File::open(folder.file("real.h5")).children("/"), std::vector<std::string>{"data", "more"});
  CHECK_EQ(folder.entries(), 2);
}
