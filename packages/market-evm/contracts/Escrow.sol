// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Money set aside for deals between strangers. Rules R1 to R5 of packages/market/src/settlement-rail.ts:
/// the manager's signature pays out, within the ceiling; without it the consumer takes everything back in time.
/// Whoever is owed money fetches it: nobody's refusal to take it can block another.
contract Escrow {
    enum State { None, Open, Disputed, Closed }

    struct Deal {
        address consumer;
        address provider;
        address manager;
        uint256 ceiling;
        uint64 refundAfter;
        uint32 commissionPpm;
        State state;
    }

    mapping(bytes32 => Deal) public deals;
    /// What each address may fetch.
    mapping(address => uint256) public owed;

    event Opened(bytes32 indexed id, address indexed consumer, address indexed provider, uint256 ceiling);
    event Disputed(bytes32 indexed id, address by);
    event Closed(bytes32 indexed id, uint256 due);

    error Known();
    error WrongState();
    error WrongAmount();
    error WrongParty();
    error WrongSignature();
    error TooEarly();

    function open(bytes32 id, address provider, address manager, uint64 refundAfter, uint32 commissionPpm) external payable {
        if (deals[id].state != State.None) revert Known();
        if (commissionPpm > 1_000_000) revert WrongAmount();
        if (manager == address(0) || provider == address(0)) revert WrongParty();
        deals[id] = Deal(msg.sender, provider, manager, msg.value, refundAfter, commissionPpm, State.Open);
        emit Opened(id, msg.sender, provider, msg.value);
    }

    /// Anyone may bring the manager's signed word.
    function release(bytes32 id, uint256 due, uint8 v, bytes32 r, bytes32 s) external {
        _pay(id, due, State.Open, "release", v, r, s);
    }

    /// The manager's ruling on a dispute.
    function resolve(bytes32 id, uint256 due, uint8 v, bytes32 r, bytes32 s) external {
        _pay(id, due, State.Disputed, "resolve", v, r, s);
    }

    function refund(bytes32 id) external {
        Deal storage deal = deals[id];
        if (deal.state != State.Open && deal.state != State.Disputed) revert WrongState();
        if (msg.sender != deal.consumer) revert WrongParty();
        if (block.timestamp < deal.refundAfter) revert TooEarly();
        deal.state = State.Closed;
        owed[deal.consumer] += deal.ceiling;
        emit Closed(id, 0);
    }

    function dispute(bytes32 id) external {
        Deal storage deal = deals[id];
        if (deal.state != State.Open) revert WrongState();
        if (msg.sender != deal.consumer && msg.sender != deal.provider) revert WrongParty();
        deal.state = State.Disputed;
        emit Disputed(id, msg.sender);
    }

    function withdraw() external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        (bool sent, ) = msg.sender.call{value: amount}("");
        if (!sent) revert WrongParty();
    }

    /// What the manager signs: the chain, this contract, the deal, the amount and which of the two words it is.
    function word(bytes32 id, uint256 due, string memory kind) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), id, due, keccak256(bytes(kind))));
    }

    function _pay(bytes32 id, uint256 due, State from, string memory kind, uint8 v, bytes32 r, bytes32 s) private {
        Deal storage deal = deals[id];
        if (deal.state != from) revert WrongState();
        if (due > deal.ceiling) revert WrongAmount();
        bytes32 signed = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", word(id, due, kind)));
        // the lower half of s only: every signature has one form
        if (uint256(s) > 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0) revert WrongSignature();
        address signer = ecrecover(signed, v, r, s);
        if (signer == address(0) || signer != deal.manager) revert WrongSignature();
        deal.state = State.Closed;
        uint256 commission = (due * deal.commissionPpm + 999_999) / 1_000_000;
        owed[deal.provider] += due - commission;
        owed[deal.manager] += commission;
        owed[deal.consumer] += deal.ceiling - due;
        emit Closed(id, due);
    }
}
