// The text of requests: what escapes hide, and what Exchange itself writes after a query.
#pragma once

#include <string>
#include <string_view>

namespace postern::exchange {

/// `text` without percent escapes, in up to three rounds, into `out`: %41, %u0041 (IIS), %c1%81 (an
/// overlong form). What is no escape stays; '+' stays, too.
void decode_escapes(std::string_view text, std::string& out);

/// A query as the client sent it: without a leading '?' and without what Exchange's front end adds
/// to it in the log (`&CorrelationID=<empty>;&cafeReqId=…;&encoding=;` and the like).
std::string_view sent_query(std::string_view query);

/// "aspx" of "/owa/auth/x.ASPX"; the letters as they are. Empty where the last part has no dot.
std::string_view stem_extension(std::string_view stem);

}  // namespace postern::exchange
