#pragma once
/// Foreign files as other programs write them, made in memory: seeds and oracles of the importers' tests.

#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
// jpeglib.h needs FILE first.
#include <jpeglib.h>

#include "import/picture.h"

namespace espalier {

inline std::string big32(std::uint32_t x) {
  return {char(x >> 24), char(x >> 16 & 255), char(x >> 8 & 255), char(x & 255)};
}

inline std::string idx_bytes(char type, const std::vector<std::uint32_t>& dims, const std::string& values) {
  std::string bytes{'\0', '\0', type, char(dims.size())};
  for (std::uint32_t d : dims) bytes += big32(d);
  return bytes + values;
}

inline std::string npy_bytes(const std::string& descr, bool fortran, const std::string& shape,
                             const std::string& values, char version = 1) {
  const std::string dict =
      "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n";
  std::string bytes = std::string("\x93NUMPY") + version + '\0' + char(dict.size()) + '\0';
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + dict + values;
}

template <class T>
std::string raw(const std::vector<T>& values, bool big_endian = false) {
  std::string bytes;
  for (T value : values) {
    std::string one(reinterpret_cast<const char*>(&value), sizeof(T));
    if (big_endian) one.assign(one.rbegin(), one.rend());
    bytes += one;
  }
  return bytes;
}

inline std::string gzip_bytes(const std::string& plain) {
  z_stream z = {};
  deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(plain.size() + 200, '\0');
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(plain.data()));
  z.avail_in = unsigned(plain.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = unsigned(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline std::string little(std::uint64_t x, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += char(x >> (8 * i) & 255);
  return out;
}

struct ZipEntry {
  std::string name, plain;
  bool deflated = false, zip64 = false;
};

/// A zip archive as NumPy's savez and savez_compressed write it.
inline std::string zip_bytes(const std::vector<ZipEntry>& entries) {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    std::string packed = entry.plain;
    if (entry.deflated) packed = gzip_bytes(entry.plain).substr(10), packed.resize(packed.size() - 8);
    const auto crc = std::uint32_t(
        ::crc32(0, reinterpret_cast<const unsigned char*>(entry.plain.data()), unsigned(entry.plain.size())));
    const std::string sizes =
        entry.zip64 ? std::string(8, '\xff') : little(packed.size(), 4) + little(entry.plain.size(), 4);
    const std::string extra =
        entry.zip64 ? little(1, 2) + little(16, 2) + little(entry.plain.size(), 8) + little(packed.size(), 8) : "";
    const std::string common = little(20, 2) + little(0, 2) + little(entry.deflated ? 8 : 0, 2) + little(0, 4) +
                               little(crc, 4) + sizes + little(entry.name.size(), 2) + little(extra.size(), 2);
    directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                 little(file.size(), 4) + entry.name + extra;
    file += "PK\x03\x04" + common + entry.name + extra + packed;
  }
  const std::size_t at = file.size();
  return file + directory + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) + little(entries.size(), 2) +
         little(directory.size(), 4) + little(at, 4) + little(0, 2);
}

struct PngForm {
  int color_type = PNG_COLOR_TYPE_GRAY, bits = 8;
  bool interlaced = false;
};

inline void append(png_structp png, png_bytep bytes, png_size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(bytes), size);
}

/// Rows as libpng wants them for the form.
inline std::string png_bytes(std::size_t width, std::size_t height, PngForm form, std::vector<std::uint8_t> rows) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, append, nullptr);
  png_set_IHDR(png, info, png_uint_32(width), png_uint_32(height), form.bits, form.color_type,
               form.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
  png_color palette[4] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
  if (form.color_type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
  png_set_gAMA(png, info, 1.0);
  std::vector<png_bytep> pointers;
  for (std::size_t y = 0; y < height; ++y) pointers.push_back(rows.data() + y * rows.size() / height);
  png_set_rows(png, info, pointers.data());
  png_write_png(png, info, 0, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

inline std::string png_bytes(const Picture& p) {
  return png_bytes(p.width, p.height, {p.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, 8, false}, p.pixels);
}

inline std::string jpeg_bytes(const Picture& p, J_COLOR_SPACE space) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = JDIMENSION(p.width);
  jpeg.image_height = JDIMENSION(p.height);
  jpeg.input_components = int(p.channels);
  jpeg.in_color_space = space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(p.pixels.data() + jpeg.next_scanline * p.width * p.channels);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string out(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&jpeg);
  std::free(memory);
  return out;
}

}  // namespace espalier
