// What libfmt has under g++'s name only: clang writes the types of this function's arguments differently. Nothing to
// read before.
#include <fmt/format-inl.h>

template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                      fmt::basic_format_args<FMT_BUFFER_CONTEXT(fmt::type_identity_t<char>)>,
                                      fmt::detail::locale_ref);
