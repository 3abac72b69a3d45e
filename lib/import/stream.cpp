#include "import/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::size_t kWindow = std::size_t(256) << 10;

/// Deflate packs at most about 1,032 to 1.
constexpr std::uint64_t kMostPacked = 1032;

/// What may be claimed to follow in a pipe, whose size is unknown.
constexpr std::uint64_t kMostFromPipe = std::uint64_t(1) << 30;

/// A line longer than this is no line of any table.
constexpr std::size_t kLongestLine = std::size_t(1) << 28;

/// A descriptor that closes itself, standard input aside.
struct Descriptor {
  int id = -1;
  ~Descriptor() {
    if (id > STDIN_FILENO) ::close(id);
  }
};

}  // namespace

struct ByteStream::State {
  enum class Packing { none, gzip, zlib, deflate };

  std::string name;
  Descriptor file;
  Packing packing = Packing::none;
  std::uint64_t raw_left = UINT64_MAX;  ///< bytes of the file still to be read; UINT64_MAX: until it ends
  std::uint64_t room = UINT64_MAX;      ///< upper bound on the bytes that the stream can give in all
  std::uint64_t taken = 0;
  std::uint64_t stop = UINT64_MAX;  ///< where end_after() lets it end
  bool ended = false;

  std::vector<char> window = std::vector<char>(kWindow);
  std::size_t begin = 0, end = 0;  ///< of what is unpacked and not taken yet, in the window

  std::vector<unsigned char> raw;  ///< packed bytes
  z_stream inflater = {};
  bool inflating = false;
  bool has_crc = false;
  std::uint32_t crc = 0, expected_crc = 0;

  ~State() {
    if (inflating) ::inflateEnd(&inflater);
  }

  std::size_t read_raw(void* out, std::size_t size) {
    size = std::size_t(std::min<std::uint64_t>(size, raw_left));
    while (size > 0) {
      const ssize_t got = ::read(file.id, out, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
      if (raw_left != UINT64_MAX) raw_left -= std::uint64_t(got);
      return std::size_t(got);
    }
    return 0;
  }

  void start_inflating(Packing kind) {
    packing = kind;
    raw.resize(kWindow);
    constexpr int kGzipHeader = 16;
    const int bits = kind == Packing::gzip ? MAX_WBITS + kGzipHeader : kind == Packing::zlib ? MAX_WBITS : -MAX_WBITS;
    if (::inflateInit2(&inflater, bits) != Z_OK) throw SystemError(kNoResource, "{}: no memory to unpack it", name);
    inflating = true;
  }

  /// Packed bytes for the inflater, if it has none left.
  bool feed() {
    if (inflater.avail_in > 0) return true;
    inflater.next_in = raw.data();
    inflater.avail_in = unsigned(read_raw(raw.data(), raw.size()));
    return inflater.avail_in > 0;
  }

  /// gzip allows several members one after the other, and zeros to fill up a block after the last.
  void finish_member() {
    if (packing != Packing::gzip) {
      ended = true;
      return;
    }
    if (feed() && *inflater.next_in == 0x1f) {
      ::inflateReset(&inflater);
      return;
    }
    while (feed()) {
      if (*inflater.next_in != 0) throw DataError(name, "", "has other bytes after the end of its gzip stream");
      ++inflater.next_in;
      --inflater.avail_in;
    }
    ended = true;
  }

  std::size_t unpack(char* out, std::size_t size) {
    inflater.next_out = reinterpret_cast<unsigned char*>(out);
    inflater.avail_out = unsigned(size);
    while (!ended && inflater.avail_out == size) {
      if (!feed()) throw DataError(name, "", "is truncated inside its packed bytes");
      const int status = ::inflate(&inflater, Z_NO_FLUSH);
      if (status == Z_MEM_ERROR) throw SystemError(kNoResource, "{}: no memory to unpack it", name);
      if (status == Z_STREAM_END)
        finish_member();
      else if (status != Z_OK && status != Z_BUF_ERROR)
        throw DataError(name, "", "has damaged packed bytes");
    }
    return size - inflater.avail_out;
  }

  /// Appends to the window what comes next.
  void refill() {
    const std::size_t got = packing == Packing::none ? read_raw(window.data() + end, window.size() - end)
                                                     : unpack(window.data() + end, window.size() - end);
    if (got == 0) ended = true;
    if (has_crc)
      crc = std::uint32_t(::crc32(crc, reinterpret_cast<unsigned char*>(window.data() + end), unsigned(got)));
    end += got;
    if (ended && has_crc && crc != expected_crc) throw DataError(name, "", "has a wrong checksum");
  }

  /// Brings `size` bytes into the window, if there are as many.
  void fill(std::size_t size) {
    if (end - begin >= size || ended) return;
    std::memmove(window.data(), window.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    if (window.size() < size) window.resize(size);
    while (end < size && !ended) refill();
  }

  /// All that is in the window, at least one byte unless the stream has ended.
  std::string_view ready() { return ahead(1, SIZE_MAX); }

  /// What is there of the next `most` bytes once `least` were asked for.
  std::string_view ahead(std::size_t least, std::size_t most) {
    const std::uint64_t left = stop - taken;
    fill(std::size_t(std::min<std::uint64_t>(least, left)));
    return {window.data() + begin, std::size_t(std::min<std::uint64_t>({most, end - begin, left}))};
  }

  void take(std::size_t size) {
    begin += size;
    taken += size;
  }
};

ByteStream::ByteStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
ByteStream::ByteStream(ByteStream&&) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&&) noexcept = default;
ByteStream::~ByteStream() = default;

namespace {

int open_for_reading(const std::string& path, const std::string& name, struct stat& status) {
  const int id = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (id < 0 || ::fstat(id, &status) != 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
  return id;
}

bool is_gzip(std::string_view head) { return head.starts_with("\x1f\x8b"); }

}  // namespace

ByteStream ByteStream::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->name = path == "-" ? "standard input" : path;
  if (path == "-" && ::isatty(STDIN_FILENO)) throw UsageError("no input: name a file, or pipe one in");
  struct stat status = {};
  state->file.id = open_for_reading(path, state->name, status);
  if (S_ISDIR(status.st_mode)) throw SystemError(kNoInput, "{}: is a directory", path);
  if (S_ISREG(status.st_mode) && path != "-") state->room = std::uint64_t(status.st_size);
  ByteStream stream(std::move(state));
  State& s = *stream.state_;
  if (stream.at_end()) throw DataError(s.name, "", "is empty");
  if (!is_gzip(stream.peek(2))) return stream;

  s.start_inflating(State::Packing::gzip);
  std::memcpy(s.raw.data(), s.window.data() + s.begin, s.end - s.begin);
  s.inflater.next_in = s.raw.data();
  s.inflater.avail_in = unsigned(s.end - s.begin);
  s.begin = s.end = 0;
  s.ended = false;
  if (s.room != UINT64_MAX) s.room *= kMostPacked;
  if (stream.at_end()) throw DataError(s.name, "", "is empty inside its gzip stream");
  if (is_gzip(stream.peek(2))) throw DataError(s.name, "", "is gzip inside gzip: unpack it once");
  return stream;
}

ByteStream ByteStream::open_part(const std::string& file, const FilePart& part) {
  auto state = std::make_unique<State>();
  state->name = file + ": " + part.name;
  struct stat status = {};
  state->file.id = open_for_reading(file, file, status);
  if (::lseek(state->file.id, off_t(part.offset), SEEK_SET) < 0)
    throw DataError(state->name, "", "cannot be reached in the file");
  state->raw_left = part.packed;
  state->room = part.unpacked;
  state->has_crc = part.crc.has_value();
  state->expected_crc = part.crc.value_or(0);
  if (part.packing == FilePart::Packing::deflate) state->start_inflating(State::Packing::deflate);
  if (part.packing == FilePart::Packing::zlib) state->start_inflating(State::Packing::zlib);
  return ByteStream(std::move(state));
}

ByteStream ByteStream::from_memory(std::string name, const void* bytes, std::size_t size) {
  auto state = std::make_unique<State>();
  state->name = std::move(name);
  state->window.assign(static_cast<const char*>(bytes), static_cast<const char*>(bytes) + size);
  state->end = state->room = size;
  state->ended = true;
  return ByteStream(std::move(state));
}

const std::string& ByteStream::name() const { return state_->name; }

std::string_view ByteStream::peek(std::size_t size) { return state_->ahead(size, size); }

std::size_t ByteStream::read(void* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::string_view ready = state_->ready();
    if (ready.empty()) break;
    const std::size_t count = std::min(size - done, ready.size());
    std::memcpy(static_cast<char*>(out) + done, ready.data(), count);
    state_->take(count);
    done += count;
  }
  return done;
}

void ByteStream::read_exactly(void* out, std::size_t size, std::string_view what) {
  if (read(out, size) != size) throw DataError(name(), "", "ends inside {}", what);
}

void ByteStream::skip(std::size_t size, std::string_view what) {
  char scrap[4096];
  for (; size > 0; size -= std::min(size, sizeof scrap)) read_exactly(scrap, std::min(size, sizeof scrap), what);
}

bool ByteStream::read_line(std::string& line) {
  line.clear();
  bool any = false;
  for (;;) {
    const std::string_view ready = state_->ready();
    if (ready.empty()) break;
    any = true;
    const std::size_t stop = ready.find('\n');
    const std::size_t size = std::min(stop, ready.size());
    if (line.size() + size > kLongestLine) throw DataError(name(), "", "has a line longer than {} bytes", kLongestLine);
    line.append(ready.data(), size);
    state_->take(size + (stop != std::string_view::npos));
    if (stop != std::string_view::npos) break;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return any;
}

void ByteStream::require_room(std::uint64_t size, std::string_view what) const {
  const std::uint64_t room = state_->room - std::min(state_->room, state_->taken);
  if (size > room) throw DataError(name(), "", "claims {} bytes of {}, it can hold {} more at most", size, what, room);
}

void ByteStream::require_allocatable(std::uint64_t size, std::string_view what) const {
  require_room(size, what);
  if (state_->room == UINT64_MAX && size > kMostFromPipe)
    throw DataError(name(), "", "claims {} bytes of {} at once, more than is taken from a pipe", size, what);
}

void ByteStream::end_after(std::uint64_t size) {
  state_->stop = state_->taken + size;
  state_->room = std::min(state_->room, state_->stop);
}

void ByteStream::require_end(std::string_view after) {
  constexpr std::size_t kMostFilling = 7;
  if (at_end() && state_->stop != UINT64_MAX) {
    // Reading to the true end holds the packed bytes' checksum.
    state_->stop = UINT64_MAX;
    skip(std::min(kMostFilling, peek(kMostFilling).size()), "its filling");
  }
  if (!at_end()) throw DataError(name(), "", "has more bytes after {}", after);
}

}  // namespace espalier
