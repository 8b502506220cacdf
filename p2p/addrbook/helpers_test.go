package addrbook

import "errors"

func isDamaged(err error) bool { return errors.Is(err, ErrDamaged) }
