package repo

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/fairtide-dev/fairtide/model"
)

// gpgKeys reads armored public keys. One without a name that it has signed
// itself says nothing of whose it is or how long it is good, and is left out.
func gpgKeys(armored string) openpgp.EntityList {
	all, err := openpgp.ReadArmoredKeyRing(strings.NewReader(armored))
	if err != nil {
		return nil
	}
	var keys openpgp.EntityList
	for _, e := range all {
		if self, _ := e.PrimarySelfSignature(); self != nil {
			keys = append(keys, e)
		}
	}
	return keys
}

var errNotGPG = errors.New("it is not in the format of an OpenPGP signature")

// parseGPGSignature reads an armored signature, which is one packet. body is
// the packet as it is written.
func parseGPGSignature(text string) (sig *packet.Signature, body []byte, err error) {
	block, err := armor.Decode(strings.NewReader(text))
	if err != nil || block.Type != openpgp.SignatureType {
		return nil, nil, errNotGPG
	}
	if body, err = io.ReadAll(block.Body); err != nil {
		return nil, nil, errNotGPG
	}
	packets := packet.NewReader(bytes.NewReader(body))
	p, err := packets.Next()
	if err != nil {
		return nil, nil, errNotGPG
	}
	sig, ok := p.(*packet.Signature)
	switch {
	case !ok:
		return nil, nil, errNotGPG
	case sig.IssuerKeyId == nil:
		return nil, nil, errors.New("it does not say by which key it was made")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("it is more than one signature")
	}
	return sig, body, nil
}

func (k *keyring) checkGPG(s *model.Signature, payload []byte, text string, now time.Time) {
	// The reader of packets is not ours, and a commit can hold anything.
	defer func() {
		if recover() != nil {
			*s = model.Signature{State: model.SignatureUnverified, Kind: s.Kind, Reason: errNotGPG.Error()}
		}
	}()
	sig, body, err := parseGPGSignature(text)
	if err != nil {
		s.Reason = err.Error()
		return
	}
	s.Key = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	s.Reason = "its key is none of the configured signers'"
	for _, signer := range k.gpg {
		for _, key := range signer.keys.KeysById(*sig.IssuerKeyId) {
			s.Key = strings.ToUpper(fmt.Sprintf("%x", key.PublicKey.Fingerprint))
			if s.Reason = judgeGPG(key, sig, body, payload, now); s.Reason == "" {
				s.State, s.Signer = model.SignatureVerified, signer.name
				return
			}
		}
	}
}

// judgeGPG says why a signature by a signer's key counts for nothing; empty
// when it counts.
func judgeGPG(key openpgp.Key, sig *packet.Signature, body, payload []byte, now time.Time) string {
	ring := openpgp.EntityList{key.Entity}
	switch {
	case len(ring.KeysByIdUsage(*sig.IssuerKeyId, packet.KeyFlagSign)) == 0:
		return "its key is not one for signing"
	case sig.SigType != packet.SigTypeBinary:
		return "it is of a type that git does not make"
	case sig.Hash != crypto.SHA256 && sig.Hash != crypto.SHA384 && sig.Hash != crypto.SHA512 && sig.Hash != crypto.SHA224 &&
		sig.Hash != crypto.SHA3_256 && sig.Hash != crypto.SHA3_512:
		return "it uses a hash that is no longer safe"
	case sig.SigLifetimeSecs != nil && *sig.SigLifetimeSecs > 0:
		return "it is one that expires, and a commit stays"
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	_, _, err := openpgp.VerifyDetachedSignature(ring, bytes.NewReader(payload), bytes.NewReader(body), config)
	switch {
	case err == nil && sig.CreationTime.Before(key.PublicKey.CreationTime):
		return "it is dated before its key was made"
	case err == nil:
		return ""
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "its key is revoked"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return expired(key, sig.CreationTime)
	case errors.Is(err, pgperrors.ErrSignatureExpired) && sig.CreationTime.After(now):
		return "it is dated in the future: " + day(sig.CreationTime)
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return "what vouches for its key has expired"
	}
	return reasonBad
}

// outdated names the keys that are no good any more at a time. What was judged
// before stands as long as it is the same.
func (k *keyring) outdated(now time.Time) string {
	var out strings.Builder
	for _, s := range k.gpg {
		for _, e := range s.keys {
			self, _ := e.PrimarySelfSignature()
			if e.Revoked(now) || e.PrimaryKey.KeyExpired(self, now) || self.SigExpired(now) {
				fmt.Fprintf(&out, "%x ", e.PrimaryKey.Fingerprint)
			}
			for _, sub := range e.Subkeys {
				if sub.Revoked(now) || sub.PublicKey.KeyExpired(sub.Sig, now) || sub.Sig.SigExpired(now) {
					fmt.Fprintf(&out, "%x ", sub.PublicKey.Fingerprint)
				}
			}
		}
	}
	return out.String()
}

// expired says since when a key is no good.
func expired(key openpgp.Key, signed time.Time) string {
	self, _ := key.Entity.PrimarySelfSignature()
	var end time.Time
	for _, k := range []struct {
		key *packet.PublicKey
		sig *packet.Signature
	}{{key.Entity.PrimaryKey, self}, {key.PublicKey, key.SelfSignature}} {
		if life := k.sig.KeyLifetimeSecs; life != nil && *life > 0 {
			at := k.key.CreationTime.Add(time.Duration(*life) * time.Second)
			if end.IsZero() || at.Before(end) {
				end = at
			}
		}
	}
	switch {
	case end.IsZero():
		return "its key is dated in the future"
	case signed.After(end):
		return "it was made after its key had expired on " + day(end)
	}
	return "its key expired on " + day(end)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
