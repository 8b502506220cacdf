package ledger

import (
	"context"
	"time"
)

// ImportProgress is what Import reports while it works.
type ImportProgress struct {
	Height       uint32        // of the tip
	Blocks       uint64        // read so far, known ones included
	Connected    uint64        // blocks connected by this import
	Inputs       uint64        // spent by the blocks connected, coinbases excluded
	Transactions uint64        // in the blocks connected
	Read, Total  int64         // bytes of the files
	Elapsed      time.Duration // since the start
	InputsPerSec float64       // over the last seconds
	ETA          time.Duration // 0: not known yet
}

// Import reads the blocks of a file or folder and adds them, decoding ahead of
// the verification. path is one of
//
//   - a flat chain file: blocks, each after its length as 4 little-endian bytes;
//   - a bootstrap file: the same with the network's magic before each length;
//   - a folder with blk*.dat files, whose blocks may stand in any order.
//
// Blocks that are known are skipped quickly, so that an interrupted import may
// be started again. progress, which may be nil, is called a few times a second.
// The first invalid block ends the import with its error; whatever was connected
// before it stays. What was connected is safe on disk when Import returns.
func (l *Ledger) Import(ctx context.Context, path string, progress func(ImportProgress)) (ImportProgress, error) {
	panic("not yet")
}
