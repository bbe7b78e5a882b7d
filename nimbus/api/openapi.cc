#include "nimbus/api/openapi.h"

namespace storm::nimbus {
namespace {

#include "openapi.inc"

}  // namespace

const std::string_view kOpenApi = kDocument;

}  // namespace storm::nimbus
