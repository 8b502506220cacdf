package consensus

// NumErrorKinds is how many kinds there are.
const NumErrorKinds = numErrorKinds
