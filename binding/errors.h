// Errors: a Status as a JavaScript exception.
// Path:      engine -> [errors] -> JavaScript
// Threading: the JavaScript thread.
// Lifetime:  -
#ifndef FANWIRE_BINDING_ERRORS_H_
#define FANWIRE_BINDING_ERRORS_H_

#include <napi.h>

#include "fanwire/status.h"

namespace fanwire {

// Throws an Error with `code`; one that came from a system call has `errno` and `syscall`, as
// Node's own do. A code of ours is a RangeError.
void Throw(Napi::Env env, const Status& status);

}  // namespace fanwire

#endif  // FANWIRE_BINDING_ERRORS_H_
