// Writes tables of files of NTFS for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/octets.h"
#include "windows/mft.h"

namespace postern::windows::testing {

struct TestMftFile {
  std::string name;  ///< ASCII; empty: a record without a name.
  std::uint64_t parent = MftEntry::kRoot;
  std::uint16_t parent_sequence = 1, sequence = 1;
  bool in_use = true, is_folder = false;
  std::string dos_name{};  ///< A second name, "PROGRA~1".
  MftTimes standard{}, of_name{};
  std::vector<std::string> streams{};
};

/// The records by their numbers; one of kRoot itself is put at its place.
Octets write_mft(const std::vector<TestMftFile>& files, std::size_t record_size = 1'024);

/// One record of the table.
Octets write_mft_record(const TestMftFile& file, std::size_t record_size = 1'024);

}  // namespace postern::windows::testing
