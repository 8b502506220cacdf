package miner

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/wire"
)

// GenerateOn mines n blocks on top of s, which may be the state at any block of
// the chain's tree, and returns their hashes. They have no transaction but the
// coinbase, which pays pkScript. Each enters the chain as it is mined; a branch
// becomes the active chain when it has more work than that.
//
// No two calls make the same block or the same coinbase, wherever and whenever
// they are made: an extra nonce is drawn at random. maxTries is as for Generate.
func (m *Miner) GenerateOn(ctx context.Context, s consensus.State, n int, pkScript []byte, maxTries uint64) ([]wire.Hash, error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	extraNonce := binary.LittleEndian.Uint64(random[:])
	hashes := []wire.Hash{}
	for len(hashes) < n {
		t := m.templateOf(template.Of(s, nil), pkScript).WithExtraNonce(extraNonce)
		extraNonce++
		b, err := m.solved(ctx, t, &maxTries)
		if errors.Is(err, ErrMaxTries) {
			return hashes, nil
		}
		if err != nil {
			return hashes, err
		}
		if err := m.cfg.Chain.AddBlock(ctx, b); err != nil {
			return hashes, fmt.Errorf("mined block %v was refused: %w", b.Hash(), err)
		}
		m.counts.found.Add(1)
		hashes = append(hashes, b.Hash())
		s = consensus.ApplyHeader(s, &b.Header)
	}
	return hashes, nil
}
