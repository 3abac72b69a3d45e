/// CSV and TSV, with columns for class and name and without; parse_float.

#include "import/table.h"

#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  return {"id,a,b,kind\nr1,1,-2.5,\"oak, red\"\r\nr2,3e2,+4,\"she said \"\"ash\"\"\"\n\nr3, 5 ,.5,elm",
          "1\t2\t3\n4\t5\tnan\n", "a;b;kind;id\n1;2;7;x\n1e-40;-inf;8;y\n", "1 2 3\n4 5 6\n",
          "a|b\n0x1p3|1e400\n?|2\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto read = [&](const TableOptions& options) {
    return refuse_or_read([&] {
      ClassTable classes;
      std::vector<std::int32_t> labels;
      const SourcePointer source = read_table(ByteStream::from_memory("input", bytes, size), options, classes);
      for (SampleBatch batch; source->read(16, batch), batch.rows > 0;)
        labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
      classes.resolve(labels);
    });
  };
  TableOptions named;
  named.label = "kind";
  named.id = "id";
  TableOptions last;
  last.label = "last";
  last.allow_nan = true;
  read({});
  read(named);
  return read(last);
}
