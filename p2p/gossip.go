package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

const (
	nameGossip  = "gossip"  // of the protocol
	nameHeaders = "headers" // of the topic

	// maxGossip bounds what a peer may send at once: a few headers, and whom it has
	// which of.
	maxGossip = 32 << 10
	// judgeTime bounds how long one header may take to judge, and sayTime how long
	// one waits for somebody to hear it.
	judgeTime = 5 * time.Second
	sayTime   = 10 * time.Second
)

// gossip spreads the headers of new blocks by gossipsub, besides the announcements
// of the relay, so that word of a block gets around those who do not pass it on.
// It carries no more than 80 bytes for each block, and begins where a block first
// appears.
//
// Nothing of a message says who made it. Messages are told apart by their content,
// so that nobody can keep a header from spreading by being first with something
// else under its name. One whose parent is unknown is not passed on; the sync asks
// whoever sent it. The goroutines of gossipsub itself end with run's context, a
// moment later.
type gossip struct {
	relay   *relay
	host    *host.Host
	genesis wire.Hash
	headers chan wire.Header // to be published
}

func newGossip(r *relay, h *host.Host, genesis wire.Hash) *gossip {
	g := &gossip{relay: r, host: h, genesis: genesis, headers: make(chan wire.Header, 16)}
	r.publish = g.publish
	return g
}

// publish spreads a header. It does not wait: where many blocks are made at once,
// the last ones matter.
func (g *gossip) publish(h *wire.Header) {
	for {
		select {
		case g.headers <- *h:
			return
		default:
		}
		select {
		case <-g.headers:
		default:
		}
	}
}

// run takes part in the gossip until ctx ends.
func (g *gossip) run(ctx context.Context) error {
	topic, err := g.join(ctx)
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe()
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	defer sub.Cancel()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		for {
			// What there is to do with a header judge has done.
			if _, err := sub.Next(ctx); err != nil {
				return
			}
		}
	}()
	defer func() { <-delivered }()
	for {
		select {
		case h := <-g.headers:
			g.say(ctx, topic, &h)
		case <-ctx.Done():
			return nil
		}
	}
}

// say publishes a header as soon as there is somebody to hear it.
func (g *gossip) say(ctx context.Context, topic *pubsub.Topic, h *wire.Header) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	if err := topic.Publish(ctx, h.Append(nil), pubsub.WithReadiness(pubsub.MinTopicSize(1))); err != nil {
		g.relay.log.Debug().Err(err).Msg("header not gossiped")
	}
}

func (g *gossip) join(ctx context.Context) (*pubsub.Topic, error) {
	name := message.Protocol(g.genesis, nameHeaders)
	ps, err := pubsub.NewGossipSub(ctx, g.host.LibP2P(),
		pubsub.WithGossipSubProtocols(
			[]protocol.ID{protocol.ID(message.Protocol(g.genesis, nameGossip))},
			func(f pubsub.GossipSubFeature, _ protocol.ID) bool { return f == pubsub.GossipSubFeatureMesh }),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(func(m *pb.Message) string {
			sum := sha256.Sum256(m.GetData())
			return string(sum[:])
		}),
		pubsub.WithMaxMessageSize(maxGossip),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(name), 8)),
		pubsub.WithFloodPublish(true),
		g.scoring(name),
	)
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	if err := ps.RegisterTopicValidator(name, g.judge, pubsub.WithValidatorTimeout(judgeTime)); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	topic, err := ps.Join(name)
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return topic, nil
}

// scoring has invalid headers weigh heavily, and what the host knows of a peer. How
// many messages somebody delivers says nothing where there are so few of them.
func (g *gossip) scoring(topic string) pubsub.Option {
	return pubsub.WithPeerScore(
		&pubsub.PeerScoreParams{
			AppSpecificScore: func(id peer.ID) float64 {
				if p := g.host.Peer(id.String()); p != nil {
					return -float64(p.Score())
				}
				return 0
			},
			AppSpecificWeight:         1,
			BehaviourPenaltyWeight:    -10,
			BehaviourPenaltyThreshold: 6,
			BehaviourPenaltyDecay:     pubsub.ScoreParameterDecay(10 * time.Minute),
			DecayInterval:             time.Second,
			DecayToZero:               0.01,
			RetainScore:               time.Hour,
			Topics: map[string]*pubsub.TopicScoreParams{topic: {
				SkipAtomicValidation:           true,
				TopicWeight:                    1,
				TimeInMeshWeight:               0.01,
				TimeInMeshQuantum:              time.Minute,
				TimeInMeshCap:                  100,
				InvalidMessageDeliveriesWeight: -100,
				InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(time.Hour),
			}},
		},
		&pubsub.PeerScoreThresholds{GossipThreshold: -50, PublishThreshold: -80, GraylistThreshold: -100},
	)
}

var errNotHeader = errors.New("gossip that is no header")

// judge says whether a message is passed on, and has the relay look after the block.
func (g *gossip) judge(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from.String() == g.host.ID() {
		return pubsub.ValidationAccept
	}
	p := g.host.Peer(from.String())
	if p == nil {
		return pubsub.ValidationIgnore // it has not greeted us, or is gone
	}
	h, err := wire.DecodeHeader(m.GetData())
	if err != nil {
		p.Penalise(host.BanScore, errNotHeader.Error())
		return pubsub.ValidationReject
	}
	switch ok, err := g.relay.gossiped(p, &h); {
	case err != nil:
		return pubsub.ValidationReject
	case !ok:
		return pubsub.ValidationIgnore
	}
	return pubsub.ValidationAccept
}
