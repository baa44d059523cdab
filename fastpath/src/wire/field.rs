//! Where a field stands in its header.

/// `N` bytes at a fixed place. Views check the length of their header before they use one.
#[derive(Clone, Copy)]
pub(super) struct Field<const N: usize>(usize);

impl<const N: usize> Field<N> {
    /// The field whose first byte is `start` bytes into the header.
    pub(super) const fn at(start: usize) -> Self {
        Field(start)
    }

    /// Its own place.
    pub(super) const fn start(self) -> usize {
        self.0
    }

    /// The place of what follows.
    pub(super) const fn end(self) -> usize {
        self.0 + N
    }

    #[inline]
    pub(super) fn get(self, data: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&data[self.0..self.end()]);
        bytes
    }

    #[inline]
    pub(super) fn set(self, data: &mut [u8], bytes: [u8; N]) {
        data[self.0..self.end()].copy_from_slice(&bytes);
    }
}

impl Field<1> {
    #[inline]
    pub(super) fn byte(self, data: &[u8]) -> u8 {
        data[self.0]
    }

    #[inline]
    pub(super) fn set_byte(self, data: &mut [u8], value: u8) {
        data[self.0] = value;
    }

    /// Writes the bits of `value` that `mask` names and leaves the others.
    #[inline]
    pub(super) fn set_bits(self, data: &mut [u8], mask: u8, value: u8) {
        data[self.0] = data[self.0] & !mask | value & mask;
    }
}

impl Field<2> {
    #[inline]
    pub(super) fn u16(self, data: &[u8]) -> u16 {
        u16::from_be_bytes(self.get(data))
    }

    #[inline]
    pub(super) fn set_u16(self, data: &mut [u8], value: u16) {
        self.set(data, value.to_be_bytes());
    }

    /// Writes the bits of `value` that `mask` names and leaves the others.
    #[inline]
    pub(super) fn set_bits16(self, data: &mut [u8], mask: u16, value: u16) {
        self.set_u16(data, self.u16(data) & !mask | value & mask);
    }
}

impl Field<4> {
    #[inline]
    pub(super) fn u32(self, data: &[u8]) -> u32 {
        u32::from_be_bytes(self.get(data))
    }

    #[inline]
    pub(super) fn set_u32(self, data: &mut [u8], value: u32) {
        self.set(data, value.to_be_bytes());
    }
}

/// A view: the struct, its constructor with the one length check, and the way out.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<T>(T);

        impl<T: AsRef<[u8]>> $name<T> {
            /// A view of the header at the front of `data`. `None` if `data` is shorter than the
            /// fixed part of the header; what it says is not looked at.
            #[inline]
            pub fn new(data: T) -> Option<Self> {
                (data.as_ref().len() >= $len).then_some($name(data))
            }

            /// What was wrapped.
            #[inline]
            pub fn into_inner(self) -> T {
                self.0
            }

            #[inline]
            fn data(&self) -> &[u8] {
                self.0.as_ref()
            }
        }

        impl<T: AsRef<[u8]> + AsMut<[u8]>> $name<T> {
            #[inline]
            fn data_mut(&mut self) -> &mut [u8] {
                self.0.as_mut()
            }
        }
    };
}
pub(super) use view;
