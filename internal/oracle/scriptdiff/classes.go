package scriptdiff

import (
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/script"
)

// classes are the codes of Bitcoin Core that a code of btcd stands for.
var classes = map[txscript.ErrorCode][]script.ErrorCode{
	txscript.ErrEvalFalse:                           {script.ErrEvalFalse},
	txscript.ErrEmptyStack:                          {script.ErrEvalFalse},
	txscript.ErrEarlyReturn:                         {script.ErrOpReturn},
	txscript.ErrScriptTooBig:                        {script.ErrScriptSize},
	txscript.ErrElementTooBig:                       {script.ErrPushSize},
	txscript.ErrTooManyOperations:                   {script.ErrOpCount},
	txscript.ErrStackOverflow:                       {script.ErrStackSize},
	txscript.ErrInvalidPubKeyCount:                  {script.ErrPubKeyCount},
	txscript.ErrInvalidSignatureCount:               {script.ErrSigCount},
	txscript.ErrVerify:                              {script.ErrVerify},
	txscript.ErrEqualVerify:                         {script.ErrEqualVerify},
	txscript.ErrNumEqualVerify:                      {script.ErrNumEqualVerify},
	txscript.ErrCheckSigVerify:                      {script.ErrCheckSigVerify},
	txscript.ErrCheckMultiSigVerify:                 {script.ErrCheckMultisigVerify},
	txscript.ErrDisabledOpcode:                      {script.ErrDisabledOpcode},
	txscript.ErrReservedOpcode:                      {script.ErrBadOpcode},
	txscript.ErrMalformedPush:                       {script.ErrBadOpcode},
	txscript.ErrInvalidStackOperation:               {script.ErrInvalidStackOperation, script.ErrInvalidAltStackOperation, script.ErrUnbalancedConditional},
	txscript.ErrUnbalancedConditional:               {script.ErrUnbalancedConditional},
	txscript.ErrMinimalData:                         {script.ErrMinimalData, script.ErrScriptNum},
	txscript.ErrNumberTooBig:                        {script.ErrScriptNum},
	txscript.ErrNegativeLockTime:                    {script.ErrNegativeLockTime},
	txscript.ErrUnsatisfiedLockTime:                 {script.ErrUnsatisfiedLockTime},
	txscript.ErrInvalidSigHashType:                  {script.ErrSigHashType},
	txscript.ErrSigTooShort:                         {script.ErrSigDER},
	txscript.ErrSigTooLong:                          {script.ErrSigDER},
	txscript.ErrSigInvalidSeqID:                     {script.ErrSigDER},
	txscript.ErrSigInvalidDataLen:                   {script.ErrSigDER},
	txscript.ErrSigMissingSTypeID:                   {script.ErrSigDER},
	txscript.ErrSigMissingSLen:                      {script.ErrSigDER},
	txscript.ErrSigInvalidSLen:                      {script.ErrSigDER},
	txscript.ErrSigInvalidRIntID:                    {script.ErrSigDER},
	txscript.ErrSigZeroRLen:                         {script.ErrSigDER},
	txscript.ErrSigNegativeR:                        {script.ErrSigDER},
	txscript.ErrSigTooMuchRPadding:                  {script.ErrSigDER},
	txscript.ErrSigInvalidSIntID:                    {script.ErrSigDER},
	txscript.ErrSigZeroSLen:                         {script.ErrSigDER},
	txscript.ErrSigNegativeS:                        {script.ErrSigDER},
	txscript.ErrSigTooMuchSPadding:                  {script.ErrSigDER},
	txscript.ErrSigHighS:                            {script.ErrSigHighS},
	txscript.ErrNotPushOnly:                         {script.ErrSigPushOnly},
	txscript.ErrSigNullDummy:                        {script.ErrSigNullDummy},
	txscript.ErrPubKeyType:                          {script.ErrPubKeyType},
	txscript.ErrCleanStack:                          {script.ErrCleanStack},
	txscript.ErrNullFail:                            {script.ErrNullFail, script.ErrSchnorrSig, script.ErrSchnorrSigHashType},
	txscript.ErrMinimalIf:                           {script.ErrMinimalIf, script.ErrTapscriptMinimalIf},
	txscript.ErrDiscourageUpgradableNOPs:            {script.ErrDiscourageUpgradableNops},
	txscript.ErrDiscourageUpgradableWitnessProgram:  {script.ErrDiscourageUpgradableWitnessProgram},
	txscript.ErrDiscourageUpgradeableTaprootVersion: {script.ErrDiscourageUpgradableTaprootVersion},
	txscript.ErrDiscourageOpSuccess:                 {script.ErrDiscourageOpSuccess},
	txscript.ErrDiscourageUpgradeablePubKeyType:     {script.ErrDiscourageUpgradablePubKeyType},
	txscript.ErrWitnessProgramEmpty:                 {script.ErrWitnessProgramWitnessEmpty},
	txscript.ErrWitnessProgramMismatch:              {script.ErrWitnessProgramMismatch},
	txscript.ErrWitnessProgramWrongLength:           {script.ErrWitnessProgramWrongLength},
	txscript.ErrWitnessMalleated:                    {script.ErrWitnessMalleated},
	txscript.ErrWitnessMalleatedP2SH:                {script.ErrWitnessMalleatedP2SH},
	txscript.ErrWitnessUnexpected:                   {script.ErrWitnessUnexpected},
	txscript.ErrWitnessPubKeyType:                   {script.ErrWitnessPubKeyType},
	txscript.ErrCodeSeparator:                       {script.ErrOpCodeSeparator},
	txscript.ErrNonConstScriptCode:                  {script.ErrSigFindAndDelete},
	txscript.ErrControlBlockTooSmall:                {script.ErrTaprootWrongControlSize},
	txscript.ErrControlBlockTooLarge:                {script.ErrTaprootWrongControlSize},
	txscript.ErrControlBlockInvalidLength:           {script.ErrTaprootWrongControlSize},
	txscript.ErrTaprootMerkleProofInvalid:           {script.ErrWitnessProgramMismatch},
	txscript.ErrTaprootOutputKeyParityMismatch:      {script.ErrWitnessProgramMismatch},
	txscript.ErrInvalidTaprootSigLen:                {script.ErrSchnorrSigSize, script.ErrSchnorrSigHashType},
	txscript.ErrTaprootSigInvalid:                   {script.ErrSchnorrSig, script.ErrSchnorrSigHashType},
	txscript.ErrTaprootPubkeyIsEmpty:                {script.ErrTapscriptEmptyPubKey},
	txscript.ErrTaprootMaxSigOps:                    {script.ErrTapscriptValidationWeight},
	txscript.ErrTapscriptCheckMultisig:              {script.ErrTapscriptCheckMultisig},
}

// looksAhead are faults that btcd looks for before it runs anything, so that
// it reports them where Bitcoin Core meets another fault first.
var looksAhead = []txscript.ErrorCode{
	txscript.ErrMalformedPush, txscript.ErrNotPushOnly, txscript.ErrScriptTooBig, txscript.ErrWitnessMalleated,
	txscript.ErrWitnessMalleatedP2SH, txscript.ErrWitnessUnexpected,
}

// Cause says how the causes of two failures relate.
type Cause int

// The relations.
const (
	Same     Cause = iota // the same, as far as btcd's codes can be told apart
	LooksFor              // btcd saw ahead what Bitcoin Core would have met later
	Other                 // another one
)

// Cause compares the causes of two failures.
func (v Verdict) Cause() Cause {
	code, ok := errors.AsType[script.ErrorCode](v.Ours)
	theirs, known := errors.AsType[txscript.Error](v.Theirs)
	switch {
	case ok && known && slices.Contains(classes[theirs.ErrorCode], code):
		return Same
	case known && slices.Contains(looksAhead, theirs.ErrorCode):
		return LooksFor
	}
	return Other
}

// causes names the two causes.
func (v Verdict) causes() string {
	code, _ := errors.AsType[script.ErrorCode](v.Ours)
	theirs := "error without a code"
	if e, ok := errors.AsType[txscript.Error](v.Theirs); ok {
		theirs = e.ErrorCode.String()
	}
	return fmt.Sprintf("%s, btcd %s", code.Name(), theirs)
}
