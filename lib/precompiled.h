/// What most files include, compiled once: the Makefile puts it before every file but the kernels. No file includes it,
/// and each file names what it uses itself; `make lint` compiles without it.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
