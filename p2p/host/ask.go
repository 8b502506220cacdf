package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
)

// How long a question may take.
const (
	// AnswerTime is the time for the first byte of an answer.
	AnswerTime = 8 * time.Second
	// answerGrace is how long an answer may stand still, and how far it may fall
	// behind MinSpeed.
	answerGrace = 5 * time.Second
	// MinSpeed is the least speed of an answer, in bytes a second.
	MinSpeed = 32 << 10
)

// Ask sends a request of the given protocol and returns the one frame of the
// answer. A frame of more than max bytes is ErrTooLarge. The answer has to begin
// within AnswerTime and to go on at MinSpeed, else the error is ErrTimeout; it is
// ErrGone when the connection ends, ErrRefused when the peer cuts the answer off,
// and that of ctx when it ends.
func (p *Peer) Ask(ctx context.Context, name string, request []byte, max int) ([]byte, error) {
	var answer []byte
	err := p.ask(ctx, name, request, func(r io.Reader) error {
		var err error
		answer, err = p.readAnswer(r, name, max)
		return err
	})
	return answer, err
}

// AskMany is Ask for answers of several frames: it calls frame with each, of
// at most max bytes, until the answer ends, and returns the error that frame
// returns, if any. The time that frame takes does not count against the peer.
func (p *Peer) AskMany(ctx context.Context, name string, request []byte, max int, frame func(payload []byte) error) error {
	var own error
	err := p.ask(ctx, name, request, func(r io.Reader) error {
		for {
			payload, err := p.readAnswer(r, name, max)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			began := time.Now()
			if own = frame(payload); own != nil {
				return own
			}
			r.(*pace).excuse(time.Since(began))
		}
	})
	if own != nil {
		return own
	}
	return err
}

// excuse adds to the time that the peer has.
func (r *pace) excuse(d time.Duration) { r.began = r.began.Add(d) }

func (p *Peer) readAnswer(r io.Reader, name string, max int) ([]byte, error) {
	payload, err := readFrame(r, max)
	if err == nil {
		p.receivedBytes(name, message.LengthSize+len(payload))
	}
	return payload, err
}

func (p *Peer) ask(ctx context.Context, name string, request []byte, read func(io.Reader) error) error {
	if p.ctx.Err() != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrGone, p.reason())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, AnswerTime)
	s, err := p.open(opening, name)
	cancel()
	if err != nil {
		return p.askError(ctx, name, err)
	}
	release := s.resetAfter(ctx)
	defer release()
	defer func() { _ = s.Reset() }() // nothing more of it is wanted

	frame := message.AppendFrame(nil, request)
	// The peer may cut this direction off as soon as it has the request, which
	// looks like an error here; whether it was one shows in the answer.
	if err := s.writeInTime(frame); isTimeout(err) {
		return p.askError(ctx, name, err)
	}
	_ = s.CloseWrite()
	p.sentBytes(name, len(frame))
	if err := read(&pace{s: s, first: AnswerTime, grace: answerGrace, speed: MinSpeed}); err != nil {
		return p.askError(ctx, name, err)
	}
	return nil
}

// askError sorts what went wrong.
func (p *Peer) askError(ctx context.Context, name string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.ctx.Err() != nil || p.conn.IsClosed():
		return fmt.Errorf("%s: %w: %w", name, ErrGone, err)
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%s: %w", name, err)
	case isTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", name, ErrTimeout)
	case isUnknown(err):
		return fmt.Errorf("%s: %w: it does not know this request", name, ErrRefused)
	default:
		return fmt.Errorf("%s: %w: %w", name, ErrRefused, err)
	}
}
